"""What the validation notebooks measure: one function a check, one folder a section.

A check takes the context of the run, records its measurements there and returns what a reader sees in the notebook. It
holds no gate and gives no verdict.
"""
