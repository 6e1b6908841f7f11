"""The stage *report*: from evidence to a model card that people can read and check."""
