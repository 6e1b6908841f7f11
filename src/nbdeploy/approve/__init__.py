"""Stage *approve*: who takes responsibility for these bytes, in this environment, until when?"""
