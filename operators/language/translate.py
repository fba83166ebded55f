"""Translation of everything the user reads: Blender's own texts through a dictionary, errors through their patterns.

The source language is English; the texts stand in strings.py, those of errors and progress also where the engine
raises them. A translation is a dictionary {English: translated} in a folder such as german/. Blender looks up labels
and tooltips itself. What is filled in first, like an error of the engine that names a file, is found by its pattern.
"""

import functools
import importlib
import re
import string

import bpy

DOMAIN = __package__.rsplit(".", 2)[0]
CONTEXTS = ("*", "Operator")  # what Blender looks labels up by: everything else, and buttons of operators
LANGUAGES = {"de_DE": "german", "de": "german"}  # Blender's name of a language, which differs between versions: folder


def locale():
    """Blender's name of the language the user reads; "" where there is none of ours."""
    wanted = bpy.context.preferences.view.use_translate_interface and bpy.app.translations.locale
    return wanted if wanted in LANGUAGES else ""


def translate(text):
    """A text as the user reads it: looked up, or filled into the translation of the pattern that it follows."""
    language = locale()
    if not language:
        return str(text)
    if text in dictionary(language):
        return dictionary(language)[text]
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


def dictionary(language):
    """{English: translated} of one of LANGUAGES."""
    name = LANGUAGES[language]
    return getattr(importlib.import_module(f".{name}.labels", __package__), name.upper())


@functools.cache
def _patterns(language):
    """[(compiled pattern, translated text)] of the texts with fields; those that say most come first."""
    table = dictionary(language)
    texts = [text for text in table if "{" in text and re.sub("{.*?}", "", text)]
    texts.sort(key=lambda text: -sum(len(literal) for literal, *_ in string.Formatter().parse(text)))
    return [(_pattern(text), table[text]) for text in texts]


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
    tables = {}
    for language, name in LANGUAGES.items():
        if name not in tables:
            texts = dictionary(language).items()
            tables[name] = {(context, english): translated for english, translated in texts for context in CONTEXTS}
    bpy.app.translations.register(DOMAIN, {language: tables[name] for language, name in LANGUAGES.items()})


def unregister():
    """Take them back."""
    bpy.app.translations.unregister(DOMAIN)
    _patterns.cache_clear()
