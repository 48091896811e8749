// SPDX-License-Identifier: AGPL-3.0-only
// Grammars as llama.cpp's JSON schema converter writes them.
#pragma once

namespace sentiric::grammar {

// {"type": "object"}
inline constexpr const char* kJsonObject = R"(
array ::= "[" space ( value ("," space value)* )? space "]"
boolean ::= ("true" | "false")
char ::= [^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" [0-9a-fA-F]{4})
decimal-part ::= [0-9]{1,16}
integral-part ::= [0] | [1-9] [0-9]{0,15}
null ::= "null"
number ::= ("-"? integral-part) ("." decimal-part)? ([eE] [-+]? integral-part)?
object ::= "{" space ( string ":" space value ("," space string ":" space value)* )? space "}"
root ::= object
space ::= | " " | "\n"{1,2} [ \t]{0,20}
string ::= "\"" char* "\""
value ::= object | array | string | number | boolean | null
)";

// name: string of 1..40, age: integer 0..150, tags: 1..3 of an enum, id: uuid; city and zip are
// optional, other keys are allowed
inline constexpr const char* kJsonPerson = R"(
additional-k ::= ["] ( [a] ([g] ([e] char+ | [^"e] char*) | [^"g] char*) | [n] char+ | [^"an] char* )? ["]
additional-kv ::= additional-k ":" space string
age ::= ([0-9] | ([1-8] [0-9] | [9] [0-9]) | [1] ([0-4] [0-9] | [5] "0"))
age-kv ::= "\"age\"" space ":" space age
char ::= [^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" [0-9a-fA-F]{4})
city-kv ::= "\"city\"" space ":" space string
city-rest ::= ( "," space zip-kv )? zip-rest
id-kv ::= "\"id\"" space ":" space uuid
name ::= "\"" char{1,40} "\""
name-kv ::= "\"name\"" space ":" space name
root ::= "{" space name-kv "," space age-kv "," space tags-kv "," space id-kv ( "," space ( city-kv city-rest | zip-kv zip-rest | additional-kv ( "," space additional-kv )* ) )? space "}"
space ::= | " " | "\n"{1,2} [ \t]{0,20}
string ::= "\"" char* "\""
tags ::= "[" space tags-item ("," space tags-item){0,2} space "]"
tags-item ::= ("\"kırmızı\"" | "\"yeşil\"" | "\"mavi\"")
tags-kv ::= "\"tags\"" space ":" space tags
uuid ::= "\"" [0-9a-fA-F]{8} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{12} "\""
zip-kv ::= "\"zip\"" space ":" space zip
zip ::= "\"" ([0-9]{5} ("-" [0-9]{4})?) "\""
zip-rest ::= ( "," space additional-kv )*
)";

}  // namespace sentiric::grammar
