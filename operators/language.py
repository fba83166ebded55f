"""Translation of everything the user reads: Blender's own texts through a dictionary, errors through their patterns.

The source language is English; the texts stand in strings.py, those of errors and progress also where the engine
raises them. A translation is a dictionary {English: translated} in a file such as german.py. Blender looks up labels
and tooltips itself. What is filled in first, like an error of the engine that names a file, is found by its pattern.
"""

import functools
import re
import string

import bpy

DOMAIN = __package__.rpartition(".")[0]
CONTEXTS = ("*", "Operator")  # what Blender looks labels up by: everything else, and buttons of operators


def catalogues():
    """{Blender's name of a language: {English: translated}}."""
    from . import german

    return {"de": german.GERMAN, "de_DE": german.GERMAN}


def locale():
    """Blender's name of the language the user reads; "" where there is none of ours."""
    wanted = bpy.context.preferences.view.use_translate_interface and bpy.app.translations.locale
    return wanted if wanted in _loaded() else ""


def translate(text):
    """A text as the user reads it: looked up, or filled into the translation of the pattern that it follows."""
    language = locale()
    if not language:
        return str(text)
    if text in _loaded()[language]:
        return _loaded()[language][text]
    for pattern, translated in _patterns(language):
        match = pattern.fullmatch(text)
        if match:
            return _fill(translated, match.groupdict())
    return str(text)


class Speaker:
    """Mix-in for operators: reports and poll messages in the user's language."""

    def report(self, kind, text):
        super().report(kind, translate(text))

    @classmethod
    def poll_message_set(cls, text, *args):
        super().poll_message_set(translate(text), *args)


@functools.cache
def _loaded():
    return catalogues()


@functools.cache
def _patterns(language):
    """[(compiled pattern, translated text)] of the texts with fields; those that say most come first."""
    texts = [text for text in _loaded()[language] if "{" in text and re.sub("{.*?}", "", text)]
    texts.sort(key=lambda text: -sum(len(literal) for literal, *_ in string.Formatter().parse(text)))
    return [(_pattern(text), _loaded()[language][text]) for text in texts]


def _pattern(text):
    """A regular expression that finds the values of a text's fields: "{name} is empty" finds name."""
    parts, seen = [], set()
    for literal, field, _, _ in string.Formatter().parse(text):
        parts.append(re.escape(literal))
        if field is not None:
            parts.append(f"(?P={field})" if field in seen else f"(?P<{field}>.*?)")
            seen.add(field)
    return re.compile("".join(parts), re.DOTALL)


def _fill(text, values):
    """Fill fields with values that are formatted already."""
    return "".join(
        literal + ("" if field is None else translate(values[field]))
        for literal, field, _, _ in string.Formatter().parse(text)
    )


def register():
    """Hand the dictionaries to Blender."""
    tables = {
        locale: {(context, english): translated for english, translated in table.items() for context in CONTEXTS}
        for locale, table in catalogues().items()
    }
    bpy.app.translations.register(DOMAIN, tables)


def unregister():
    """Take them back."""
    bpy.app.translations.unregister(DOMAIN)
    _loaded.cache_clear()
    _patterns.cache_clear()
