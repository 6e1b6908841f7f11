"""The verb *audit*: does the chain hold, here, in a bundle, and in words?"""
