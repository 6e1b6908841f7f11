"""Stage *audit*: who decided what, on which evidence, and is that the model that ran? Years later, offline."""
