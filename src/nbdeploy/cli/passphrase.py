"""Passphrases come from a prompt or a file descriptor: never from an argument, the environment or a notebook."""

from __future__ import annotations

import os

import click

from nbdeploy.errors import KeyFileError


def passphrase_from(descriptor: int | None, prompt: str, *, confirm: bool = False) -> bytes:
    """Read a passphrase at the moment of signing.

    Raises
    ------
    KeyFileError
        The descriptor is not open, or there is no terminal to ask on.
    """
    if descriptor is not None:
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                return stream.readline().rstrip(b"\r\n")
        except OSError:
            raise KeyFileError(f"file descriptor {descriptor} is not open for reading") from None
    if not os.isatty(0):
        raise KeyFileError(
            "there is no terminal to ask for the passphrase on",
            next="give it on a file descriptor: --passphrase-fd 3 3<FILE",
        )
    text: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm)
    return text.encode()
