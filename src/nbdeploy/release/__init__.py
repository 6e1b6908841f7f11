"""Stage *release*: how does an approved version get to users without harm?"""
