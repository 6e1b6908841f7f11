"""Stage *admission*: are the bytes that are about to run the ones that were validated and signed for?"""
