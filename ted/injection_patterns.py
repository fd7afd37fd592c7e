"""Wordings and marks of smuggled instructions, as a table to be reviewed. How texts are held against it is injections'.

Each pattern must name the model's instructions, its role, or every question: an order about the case at hand ("ignore any
leading zeros", "answer with the code only") is what experiences are for.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal[
    "instructions", "role_marker", "advice_block", "hidden_text", "encoded", "exfiltration", "fixed_answer"
]

GAP = r"[^.!?\n\u3002\uff01\uff1f\u0964\u061f]"
"""A character within a sentence."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE | re.MULTILINE)


def _in_order(*words: str, within: int = 40) -> str:
    """These, one after the other in one sentence, with at most so many characters between two."""
    return rf"{GAP}{{0,{within}}}?".join(words)


_DROP = (
    r"\b(?:ignore|disregard|forget|override|bypass|overlook|discard|pay no attention to|stop (?:following|obeying)"
    r"|(?:do not|don't|never) (?:follow|obey|listen to))\b"
)
_EARLIER = r"\b(?:previous|prior|above|earlier|preceding|foregoing|existing|current)\b"
_YOURS = r"\b(?:all|any|every|your|system|initial|original|other|these|those|hidden|safety)\b"
_ORDERS = r"\b(?:instructions?|prompts?|guidelines|guardrails|directives?|programming|orders|commands)\b"
_TOLD = r"\b(?:rules?|text|advice|context|messages?|directions|constraints|words|content|experiences?)\b"

_ENGLISH = (
    _in_order(_DROP, _EARLIER, f"(?:{_ORDERS}|{_TOLD})", within=30),
    _in_order(_DROP, rf"(?:{_ORDERS}|{_TOLD}) (?:above|before|so far|given (?:above|before|earlier)|that came)", within=30),
    _in_order(_DROP, _YOURS, r"(?:system )?(?:instructions?|prompts?|guidelines|guardrails|directives?|programming)\b", within=25)
    + r"(?! (?:on|in|for|of|from|at) the (?:box|label|leaflet|package|packaging|manual|sheet|form)\b)",
    rf"{_DROP} (?:all|any) (?:of )?(?:the )?other (?:text|rules|advice|experiences?|context|orders|commands)\b",
    rf"{_DROP} (?:everything|anything|all|what(?:ever)?)(?: that)? (?:is |was |comes |came |stands )?"
    r"(?:above|before this|you (?:were|have been|know|learned|are) (?:told|given|taught|now)|you know\b|you were)",
    r"\byour (?:new|real|actual|true|only) (?:task|instructions?|goal|purpose|role|job|objective) (?:is|are)\b",
    r"^[^\w\n]{0,40}(?:new|updated|revised|real|important|urgent|additional) (?:system |admin |developer )?"
    r"(?:instructions?|prompt|directives?)\s*:",
    r"\byou are now (?:an? |my |free\b|no longer\b|dan\b|called\b|unrestricted\b|unfiltered\b|jailbroken\b|in [\w ]{1,20}mode\b)",
    r"\bfrom now on,? (?:you (?:are|will|must|should|shall|only|always|never|answer|act|speak)|your|(?:always|only|just) "
    r"(?:answer|reply|respond|say))\b",
    r"\b(?:pretend (?:that )?you(?:'re| are)|you (?:must|will|should) (?:pretend|act|behave) as|act as if you had no)\b",
    r"\b(?:dan|developer|jailbreak|god|sudo|unrestricted) mode (?:is )?(?:on|enabled|activated|now)\b|\bdo anything now\b",
    _in_order(
        r"\b(?:reveal|print|repeat|show|output|leak|display|tell|give|share|expose|recite|disclose)\b",
        r"\b(?:your|the|its) (?:system|hidden|initial|secret|original|full) (?:prompt|instructions?|message)\b",
    ),
    _in_order(
        r"\b(?:do not|don't|never) (?:mention|reveal|disclose|tell|show|repeat)\b",
        r"\b(?:this|these) (?:instructions?|prompt|directives?|orders)\b",
        within=30,
    ),
    r"\b(?:assistant|ai|model|chatbot|language model|llm)\s*[,:]\s*(?:ignore|disregard|forget|you must|you will|please ignore)\b",
)  # fmt: skip

_GERMAN = (
    _in_order(
        r"\b(?:ignorier\w*|vergiss|vergesst|vergessen sie|missacht\w*|beacht\w* (?:sie )?nicht|übergeh\w*)\b",
        r"\b(?:vorherig\w*|obig\w*|bisherig\w*|vorig\w*|früher\w*|vorangegangen\w*|vorangehend\w*|all\w*|sämtlich\w*"
        r"|dein\w*|ihr\w*)\b",
        r"\b(?:anweisung\w*|instruktion\w*|befehl\w*|vorgaben|systemprompt\w*|prompts?|richtlinien)\b",
    ),
    r"\b(?:ignorier\w*|vergiss) (?:alles|was) (?:davor|bisherige|vorherige|obige|,? was (?:oben|davor|bisher|dir))",
)
_ROMANCE = (
    # French
    _in_order(
        r"\b(?:ignore[rz]?|oublie[rz]?|n[ée]glige[rz]?|ne (?:tiens|tenez|tenir) (?:pas|aucun) compte|fais abstraction|faites "
        r"abstraction)\b",
        r"\b(?:instructions?|consignes?|directives?|ordres|règles)\b",
        r"\b(?:précédent\w*|ci-dessus|antérieur\w*|plus haut|initiales?|du système)",
    ),
    _in_order(
        r"\b(?:ignore[rz]?|oublie[rz]?)\b",
        r"\b(?:toutes|tous|tes|vos|ces|précédent\w*)\b",
        r"\b(?:instructions?|consignes?|directives?)\b",
    ),
    # Spanish, Portuguese, Italian
    _in_order(
        r"\b(?:ignor\w+|olvid\w+|desestim\w+|haz caso omiso|hagan? caso omiso|no (?:sigas|siga|hagas caso)|esqueç\w+|esquec\w+"
        r"|desconsider\w+|dimentic\w+|trascur\w+|non (?:seguire|considerare))\b",
        r"\b(?:instrucciones|órdenes|indicaciones|directrices|reglas|instruções|ordens|diretrizes|regras|comandos"
        r"|istruzioni|indicazioni|direttive|regole|comandi)\b",
        r"\b(?:anterior\w*|previ[ao]s?|de arriba|del sistema|dadas|acima|do sistema|precedent\w*|di sopra|sopra|iniziali)\b",
    ),
    _in_order(
        r"\b(?:ignor\w+|olvid\w+|esqueç\w+|esquec\w+|desconsider\w+|dimentic\w+)\b",
        r"\b(?:todas|todos|tus|sus|anteriores|previas|suas|tutte|tutti|tue|precedenti)\b",
        r"\b(?:instrucciones|órdenes|directrices|instruções|diretrizes|istruzioni|direttive)\b",
    ),
)
_NORTHERN = (
    _in_order(
        r"\b(?:negeer|vergeet|ignorera|ignorer|glöm|glem|bortse|zignoruj\w*|ignoruj\w*|zapomnij\w*|pomiń\w*|zapomeň"
        r"\w*|unohda|ohita)\b",
        r"\b(?:instruct\w*|instrukt\w*|instruks\w*|instrukcj\w*|opdracht\w*|aanwijzing\w*|anvisning\w*|polece\w*|pokyn\w*|ohje\w*"
        r"|regels|regler\w*)\b",
    ),
    # Russian, Ukrainian
    _in_order(
        r"(?:игнорир\w+|забудь\w*|не обращай\w* внимания на|не следуй\w*|ігноруй\w*|забудьте)",
        r"(?:предыдущ\w*|прежн\w*|все\w*|выше\w*|свои\w*|попередн\w*|усі|всі)",
        r"(?:инструкц\w*|указани\w*|команд\w*|інструкц\w*|вказівк\w*)",
    ),
)
_EASTERN = (
    # Chinese, Japanese, Korean
    "(?:忽略|无视|無視|忽视|忽視|忘记|忘記|忘掉|不要理会|不要遵守)" + GAP + "{0,12}?(?:之前|以前|以上|前面|先前|上述|所有|全部|此前|系统|系統)"
    + GAP + "{0,8}?(?:指令|指示|提示|说明|說明|规则|規則|命令|要求)",
    "(?:以前|これまで|上記|前|先|すべて|全て|全部|システム)" + GAP + "{0,10}?(?:指示|命令|プロンプト|ルール|指令)" + GAP
    + "{0,6}?(?:無視|忘れ|従わない)",
    "(?:이전|위|앞|모든|기존|시스템)" + GAP + "{0,10}?(?:지시|명령|지침|프롬프트|규칙)" + GAP + "{0,8}?(?:무시|잊)",
    # Arabic, Hebrew, Hindi, Turkish
    "(?:تجاهل|تجاهلي|تجاهلوا|انس|انسَ)" + GAP + "{0,20}?(?:التعليمات|الأوامر|التوجيهات|الإرشادات|تعليماتك)",
    "(?:התעלם|התעלמי|התעלמו|שכח|תתעלם)" + GAP + "{0,20}?(?:ההוראות|הוראות|ההנחיות|הפקודות)",
    "(?:पिछले|पिछली|पहले|उपरोक्त|सभी|ऊपर)" + GAP + "{0,20}?(?:निर्देश|आदेश)" + GAP + "{0,15}?(?:अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल|उपेक्षा)",
    r"\b(?:önceki|yukarıdaki|tüm|bütün|daha önceki)\b" + GAP + r"{0,20}?\b(?:talimat\w*|komut\w*|yönerge\w*)" + GAP
    + r"{0,15}?\b(?:yok say|unut|görmezden gel|dikkate alma|göz ardı)",
    # Indonesian, Vietnamese
    _in_order(r"\b(?:abaikan|lupakan)\b", r"\b(?:instruksi|perintah|petunjuk|arahan)\b", r"\b(?:sebelumnya|di atas|sistem)\b"),
    _in_order(r"\b(?:abaikan|lupakan) semua\b", r"\b(?:instruksi|perintah|petunjuk)\b"),
    _in_order("(?:bỏ qua|phớt lờ|quên)", "(?:hướng dẫn|chỉ dẫn|mệnh lệnh|chỉ thị)", "(?:trước|ở trên|phía trên|hệ thống)"),
)  # fmt: skip

_ROLES = (
    r"<\s*\|?\s*(?:im_start|im_end|im_sep|endoftext|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text)",
    r"<\s*/?\s*\|?\s*(?:system|assistant|developer)\s*(?:\||>|prompt|message)",
    r"<\|\s*(?:user|tool|channel|message|start|end|return|call)\s*\|>",
    r"\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|<\uff5c|<\s*/?(?:tool_call|function_calls?|invoke)\b",
    r"^[^\w\n]{0,40}#{1,6}\s*(?:system|assistant|human|user|instructions?|response)(?: (?:prompt|message|instructions?))?\s*:",
    r"^[^\w\n]{0,40}(?:\[|\()(?:system|developer|admin(?:istrator)?)(?: (?:prompt|message|note|override|instructions?))?(?:\]|\))\s*\S",
    r"^[^\w\n]{0,40}(?:system|developer)(?: (?:prompt|message|note|override|instructions?))?\s*:\s*(?:you|ignore|disregard|forget|from now"
    r"|always|never|the assistant|new instructions?|override|reply|respond|answer|act)\b",
    r"\n\s*(?:human|assistant)\s*:\s*(?:ignore|disregard|forget|you (?:are|must|will))\b",
    r'["\']role["\']\s*:\s*["\'](?:system|assistant|developer)["\']',
)

_BLOCK = (
    r"[<\u2039\u27e8\u3008\u300a]\s*[/\u2044\u2215\\]?\s*experiences?\b[^<>\n]{0,80}[>\u203a\u27e9\u3009\u300b]",
    r"[\[{]\s*[/\u2044\u2215\\]\s*experiences?\s*[\]}]",
    r"[<\u2039\u27e8\u3008]\s*[/\u2044\u2215\\]\s*(?:experiences?|advice|context|instructions?)\b",
    r"\bend of (?:the )?(?:advice|experiences|system prompt|instructions|context)\b\W{0,3}(?:$|now\b|new\b|you\b|begin\b|start\b)",
)

_WHAT = (
    r"(?:conversation|chat(?: history)?|history|system prompt|prompt|user(?:'s)? (?:data|message|question|input|name|e-?mail)"
    r"|answers?|messages?|secrets?|credentials|passwords?|api[ _-]?keys?|access tokens?|context)"
)
_EXFILTRATION = (
    r"!\[[^\]\n]{0,200}\]\(\s*<?(?:https?:)?//[^)\s]{1,300}(?:\{|%7b|<|\$|=\s*\)|\[)",
    rf"!\[[^\]\n]{{0,200}}\]\(\s*<?(?:https?:)?//[^)\s]{{1,300}}[?&#/][^)\s]{{0,60}}{_WHAT}\b[^)\n]{{0,200}}\)",
    r"!\[[^\]\n]{0,200}\]\(\s*<?(?:https?:)?//[^)\s]{1,300}\?(?:q|d|data|p|x|leak|exfil|log|c|s|query|payload)=",
    r"<img\b[^>\n]{0,200}\bsrc\s*=\s*[\"']?(?:https?:)?//[^>\s]{1,300}\?[^>\s]{0,100}=",
    r"\]\(\s*(?:javascript|data\s*:\s*text/html)",
    _in_order(
        r"\b(?:append|insert|encode|embed|include|put|add|place|send|post|upload|forward|leak|exfiltrate|transmit)\b",
        rf"\b(?:the|all|any|your|this|user's|whole|entire|full)\b(?: (?:whole|entire|full|user's|previous))? ?\b{_WHAT}\b",
        r"\b(?:url|query string|query parameter|image (?:link|address)|(?:to|in|into|at) https?://\S)",
        within=50,
    ),
)

_VERB = r"(?:answer|reply|respond|say|output|return|print|write|choose|pick|claim|state)"
_ASKED = r"(?:questions?|quer(?:y|ies)|prompts?|inputs?|user|asked|asks?|requests?|messages?|conversation|topic|said|says)"
_WHATEVER = (
    r"(?:regardless of|no matter|irrespective of|independent(?:ly)? of|whatever|whichever|without regard to)"
)
_QUOTED = "[\"'`\u201c\u2018«\u201e][^\"'`\u201d\u2019»\n]{1,80}[\"'`\u201d\u2019»]"
_EVERY = r"(?:every|all|any|each)(?: (?:of the|other|future|further|following|subsequent|single|one of the))? (?:question|query|prompt)"

_ALWAYS = (
    _in_order(rf"\b{_VERB}\b", rf"\b{_WHATEVER}\b", rf"\b{_ASKED}\b", within=60),
    _in_order(rf"\b{_WHATEVER}\b", rf"\b{_ASKED}\b", rf"\b(?:always |only |just |you (?:must|should|will|always) )?{_VERB}\b", within=40),
    rf"\b(?:answer|respond to|reply to) {_EVERY}s? (?:with|by saying|as) {_QUOTED}",
    rf"\b(?:answer|reply|respond|say|output)(?: with)? (?:only |just )?{_QUOTED} (?:to|for|in response to) {_EVERY}",
    r"\b(?:immer|stets|nur noch|ausschließlich)\b" + GAP + r"{0,40}?\b(?:egal|unabhängig davon|gleichgültig)\b" + GAP
    + r"{0,20}?\b(?:was|welche|wer|wie)\b",
    r"\begal,? (?:was|welche|wie)\b" + GAP + r"{0,40}?\b(?:antworte|antworten sie|sage|schreibe)\b",
    _in_order(r"\b(?:répond\w+|dis|dites|responde\w*|contesta\w*|rispond\w+|di)\b", r"\b(?:quelle que soit|peu importe|sin "
              r"importar|independientemente de|qualunque|indipendentemente|não importa|independente)\b",
              r"\b(?:question|demande|pregunta|domanda|pergunta)", within=60),
)  # fmt: skip

EVERYWHERE: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("role_marker", _any(*_ROLES)),
    ("advice_block", _any(*_BLOCK)),
    ("instructions", _any(*_ENGLISH, *_GERMAN, *_ROMANCE, *_NORTHERN, *_EASTERN)),
    ("exfiltration", _any(*_EXFILTRATION)),
    ("fixed_answer", _any(*_ALWAYS)),
)
"""What no sample and no experience has to say, wherever it stands."""

_FORMATS = r"(?:json|sql|yaml|xml|html|csv|latex|markdown|python|regex|iso|utf|ascii|url|id|ids|utc|usd|eur|no|none|n/a)\b"
_CONSTANT = (
    rf"(?:{_QUOTED}|(?-i:(?!(?i:{_FORMATS}))[A-Z]{{2,}}[A-Z0-9_-]*|[A-Z0-9]+-[A-Z0-9-]+|\d+)|(?:yes|no|true|false)\b"
    r"|(?:option |choice )?(?-i:[A-Z])\b)"
)
_END = r"(?=\s*(?:[.!;:]|$|,? and nothing else|,? from now|,? always))"

FIXED_ANSWER = _any(
    rf"(?:^|[.!?:;]\s|\byou (?:must|should|will) |\bplease )always {_VERB}(?: with)?(?: the (?:word|text|phrase|option))? {_CONSTANT}{_END}",
    rf"(?:^|[.!?:;]\s|\byou (?:must|should|will) |\bplease ){_VERB} (?:only|just|nothing but|exactly|solely)(?: with)?"
    rf"(?: the (?:word|text|phrase|string|option))? {_CONSTANT}{_END}",
    rf"(?:^|[.!?:;]\s|\byou (?:must|should|will) |\bplease )(?:only|just) {_VERB}(?: with)?(?: the (?:word|text|phrase))? {_CONSTANT}{_END}",
    rf"(?:^|[.!?:;]\s){_VERB}(?: with)? (?:only|just|nothing but) {_CONSTANT}{_END}",
)
"""An order to answer one thing, whatever is asked. An experience may say it of its own kind of question."""

UNIVERSAL = _any(
    r"^[^\w\n]{0,40}(?:for |in |on |with |when (?:asked |there is |answering )?|whenever |at )?(?:any|every|all|each|whatever|whichever)\b"
    r"(?: (?:kinds? of|sorts? of|possible|other|single|given|and (?:every|all|any)))* ?(?:questions?|cases?|requests?|situations?"
    r"|inputs?|times?|quer(?:y|ies)|prompts?|topics?|things?|one|)\W*(?:is asked|are asked|at all|whatsoever|comes?(?: up| in)?)?\W*$",
    r"^[^\w\n]{0,40}(?:always|everything|anything|whenever (?:you are )?asked(?: anything)?|regardless\b.*|no matter\b.*)\W*$",
)
"""A `when_to_use` that is of every question."""
