# SPDX-License-Identifier: AGPL-3.0-only
"""Writes the table of character properties that ECMA-262 knows (\\p{...}), from the data of the
package `regex`, for unicode_properties.cpp.

    python unicode_tables.py unicode_tables.inc
"""

import sys
import unicodedata
from pathlib import Path

import regex
from regex import _regex_core

CHARACTERS = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))

# ECMA-262, table 67: general categories, each with its names.
CATEGORIES = """
Cased_Letter LC | Close_Punctuation Pe | Connector_Punctuation Pc | Control Cc cntrl |
Currency_Symbol Sc | Dash_Punctuation Pd | Decimal_Number Nd digit | Enclosing_Mark Me |
Final_Punctuation Pf | Format Cf | Initial_Punctuation Pi | Letter L | Letter_Number Nl |
Line_Separator Zl | Lowercase_Letter Ll | Mark M Combining_Mark | Math_Symbol Sm |
Modifier_Letter Lm | Modifier_Symbol Sk | Nonspacing_Mark Mn | Number N | Open_Punctuation Ps |
Other C | Other_Letter Lo | Other_Number No | Other_Punctuation Po | Other_Symbol So |
Paragraph_Separator Zp | Private_Use Co | Punctuation P punct | Separator Z | Space_Separator Zs |
Spacing_Mark Mc | Symbol S | Titlecase_Letter Lt | Unassigned Cn | Uppercase_Letter Lu
"""

# ECMA-262, table 66: binary properties.
BINARY = """
ASCII | ASCII_Hex_Digit AHex | Alphabetic Alpha | Any | Assigned | Bidi_Control Bidi_C |
Bidi_Mirrored Bidi_M | Case_Ignorable CI | Cased | Changes_When_Casefolded CWCF |
Changes_When_Casemapped CWCM | Changes_When_Lowercased CWL | Changes_When_NFKC_Casefolded CWKCF |
Changes_When_Titlecased CWT | Changes_When_Uppercased CWU | Dash |
Default_Ignorable_Code_Point DI | Deprecated Dep | Diacritic Dia | Emoji | Emoji_Component EComp |
Emoji_Modifier EMod | Emoji_Modifier_Base EBase | Emoji_Presentation EPres |
Extended_Pictographic ExtPict | Extender Ext | Grapheme_Base Gr_Base | Grapheme_Extend Gr_Ext |
Hex_Digit Hex | IDS_Binary_Operator IDSB | IDS_Trinary_Operator IDST | ID_Continue IDC |
ID_Start IDS | Ideographic Ideo | Join_Control Join_C | Logical_Order_Exception LOE |
Lowercase Lower | Math | Noncharacter_Code_Point NChar | Pattern_Syntax Pat_Syn |
Pattern_White_Space Pat_WS | Quotation_Mark QMark | Radical | Regional_Indicator RI |
Sentence_Terminal STerm | Soft_Dotted SD | Terminal_Punctuation Term | Unified_Ideograph UIdeo |
Uppercase Upper | Variation_Selector VS | White_Space space | XID_Continue XIDC | XID_Start XIDS
"""

# Names of scripts that are not one capitalised word.
SCRIPTS = """
Anatolian_Hieroglyphs Bassa_Vah Beria_Erfe Canadian_Aboriginal Caucasian_Albanian Cypro_Minoan
Dives_Akuru Egyptian_Hieroglyphs Gunjala_Gondi Gurung_Khema Hanifi_Rohingya Imperial_Aramaic
Inscriptional_Pahlavi Inscriptional_Parthian Kayah_Li Khitan_Small_Script Kirat_Rai Linear_A
Linear_B Masaram_Gondi Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs
Nag_Mundari New_Tai_Lue Nyiakeng_Puachue_Hmong Ol_Chiki Ol_Onal Old_Hungarian Old_Italic
Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur
Pahawh_Hmong Pau_Cin_Hau Phags_Pa Proto_Cuneiform Psalter_Pahlavi SignWriting Sora_Sompeng
Syloti_Nagri Tai_Le Tai_Tham Tai_Viet Tai_Yo Tolong_Siki Tulu_Tigalari Warang_Citi
Zanabazar_Square
"""


def groups(table: str) -> list[list[str]]:
    return [names.split() for names in table.split("|")]


def scripts() -> list[list[str]]:
    """All scripts by their names, e.g. ["Greek", "Grek"]."""
    spelled = {name.replace("_", "").upper(): name for name in SCRIPTS.split()}
    by_value: dict[int, list[str]] = {}
    for name, value in _regex_core.PROPERTIES["SCRIPT"][1].items():
        by_value.setdefault(value, []).append(spelled.get(name, name.capitalize()))
    # ECMA-262 does not know this one, which no character has.
    return [names for names in by_value.values() if "Hrkt" not in names]


def ranges(expression: str) -> list[tuple[int, int]]:
    found = []
    for match in regex.finditer(f"(?:{expression})+", CHARACTERS):
        text = match[0]
        for part in (
            [text]
            if text[-1] < "\ud800" or text[0] > "\udfff"
            else [text[: 0xD800 - ord(text[0])], text[0xD800 - ord(text[0]) :]]
        ):
            found.append((ord(part[0]), ord(part[-1])))
    return found


def changes_when_nfkc_casefolded() -> list[tuple[int, int]]:
    """Unlike the others, from the data of the interpreter."""
    ignorable = {c for a, b in ranges(r"\p{Default_Ignorable_Code_Point}") for c in range(a, b + 1)}
    found: list[tuple[int, int]] = []
    for char in CHARACTERS:
        c = ord(char)
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())
        if c not in ignorable and folded == char:
            continue
        if found and found[-1][1] == c - 1:
            found[-1] = (found[-1][0], c)
        else:
            found.append((c, c))
    return found


def properties() -> dict[str, list[tuple[int, int]]]:
    table = {}
    for names in groups(CATEGORIES):
        chars = ranges(rf"\p{{gc={names[0]}}}")
        table.update({f"gc={name}": chars for name in names})
    # Surrogates are no characters of a text.
    table.update({f"gc={name}": [] for name in ("Cs", "Surrogate")})
    for names in scripts():
        for kind in ("sc", "scx"):
            chars = ranges(rf"\p{{{kind}={names[0]}}}")
            table.update({f"{kind}={name}": chars for name in names})
    for names in groups(BINARY):
        if names[0] == "Changes_When_NFKC_Casefolded":
            chars = changes_when_nfkc_casefolded()
        else:
            chars = ranges(rf"\p{{{names[0]}}}")
        table.update(dict.fromkeys(names, chars))
    return table


def main() -> None:
    pool: list[tuple[int, int]] = []
    start: dict[tuple[tuple[int, int], ...], int] = {}
    lines = []
    for key, chars in sorted(properties().items()):
        first = start.setdefault(tuple(chars), len(pool))
        if first == len(pool):
            pool.extend(chars)
        lines.append(f'    {{"{key}", {first}, {len(chars)}}},\n')
    with Path(sys.argv[1]).open("w", encoding="ascii") as out:
        out.write("constexpr CodeRange kRanges[] = {\n")
        out.writelines(f"    {{{first:#x}, {last:#x}}},\n" for first, last in pool)
        out.write("};\nconstexpr Property kProperties[] = {\n")
        out.writelines(lines)
        out.write("};\n")


if __name__ == "__main__":
    main()
