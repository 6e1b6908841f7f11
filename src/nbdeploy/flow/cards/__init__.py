"""The verb *card*: reading, comparing and handing on; and the decision sheet beside it."""
