# SPDX-License-Identifier: GPL-2.0
"""cpython.py SECONDS: CPython at JSON, both ways, recursing in between"""
import json
import sys
import time


def tree(depth):
    if not depth:
        return {"x": 1.5, "text": "leaf", "list": list(range(20))}
    return {"depth": depth, "left": tree(depth - 1), "right": [tree(depth - 1), None, True]}


def main():
    end = time.time() + float(sys.argv[1])
    data = tree(6)
    while time.time() < end:
        text = json.dumps(data, indent=1)  # the encoder in Python
        again = json.loads(json.dumps(data))
        assert again == data and len(text) > 100


main()
