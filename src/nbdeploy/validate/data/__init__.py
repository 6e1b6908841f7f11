"""The data that takes part: files and tables as rows in passes, and the predictions made of them."""
