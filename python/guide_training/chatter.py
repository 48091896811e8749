# SPDX-License-Identifier: AGPL-3.0-only
"""What surrounds the facts: questions beyond the guide, filler text and system prompts."""

from __future__ import annotations

from random import Random

from guide_training import words
from guide_training.words import listed

UNKNOWN = {
    "en": "I do not know that; I only know this service.",
    "tr": "Bunu bilmiyorum; yalnızca bu hizmeti bilirim.",
}
NOT_TOLD = {"en": "I do not know; you have not told me.", "tr": "Bilmiyorum; bunu bana söylemedin."}
DO_NOT_KNOW = {"en": "do not know", "tr": "ilmiyorum"}

# {t} is a thing, {c} a city, {p} a person; questions that no fact of the service answers.
BEYOND = {
    "en": listed(
        "what is the capital of {c}|who is the president of {c}|how is the weather in {c}|"
        "what is the population of {c}|how far is {c}|how do I get to {c}|what time is it in {c}|"
        "who won the football game in {c}|recommend a restaurant in {c}|who invented the {t}|"
        "how do I cook {t}|write a poem about {t}|write a story about the {t}|who is {p}|"
        "how old is the {t}|why is the {t} blue|what is the meaning of {t}|translate {t} to French|"
        "how much does a {t} weigh|tell me a joke|tell me a joke about {t}|what is love|"
        "how many legs does a {t} have|what is 12 times 7|what is 5 plus 8|what is the root of 2|"
        "who wrote {t}|what is the best {t}|explain {t} to me|how do I fix my {t}|sing a song|"
        "what year did the war end|what does {t} mean|when was the {t} invented|"
        "give me a recipe for {t}|is {t} healthy|should I buy a {t}|what happened in 1453|"
        "who painted the {t}|how tall is {p}|what is the news today|what day is it today|"
        "what is the longest river|which planet is the biggest|how do airplanes fly|"
        "can you book a flight to {c}|what is the speed of light|how do I lose weight"
    ),
    "tr": listed(
        "{c} neresinin başkenti|{c} başkanı kim|{c} havası nasıl|{c} nüfusu kaç|{c} ne kadar uzak|"
        "{c} şehrine nasıl giderim|{c} saati kaç|{c} maçını kim kazandı|{c} için restoran öner|"
        "{t} kim icat etti|{t} nasıl pişirilir|{t} hakkında şiir yaz|{t} hakkında hikaye yaz|"
        "{p} kimdir|{t} kaç yıllık|{t} neden mavi|{t} ne anlama gelir|{t} Fransızcaya çevir|"
        "bir {t} kaç kilo|bana fıkra anlat|{t} hakkında fıkra anlat|aşk nedir|"
        "{t} kaç bacaklı|12 kere 7 kaç|5 artı 8 kaç eder|2'nin karekökü kaç|{t} kim yazdı|"
        "en iyi {t} hangisi|bana {t} açıkla|{t} nasıl tamir edilir|şarkı söyle|savaş ne zamandı|"
        "{t} ne demek|{t} ne zaman icat edildi|{t} tarifi ver|{t} sağlıklı mı|{t} almalı mıyım|"
        "1453'te ne oldu|{t} kim çizdi|{p} kaç boyunda|bugün haberler ne|bugün günlerden ne|"
        "en uzun nehir hangisi|en büyük gezegen hangisi|uçaklar nasıl uçar|{c} için uçak bileti al|"
        "ışık hızı kaç|nasıl kilo veririm|Türkiye'nin başkenti neresi|bana bir öneride bulun"
    ),
}
BEYOND_HELD_OUT = {
    "en": listed(
        "What is the capital of Japan?|Who wrote Hamlet?|What is the weather like tomorrow?|"
        "How many people live in Brazil?|What is 17 plus 25?|Tell me a story about a dragon.|"
        "Who was the first man on the moon?|How do I bake bread?|What is the tallest mountain?|"
        "Which team won the championship?|Translate good morning to Spanish.|"
        "What is quantum physics?|How old is the universe?|Recommend me a good movie.|"
        "What should I eat tonight?|Who painted the Mona Lisa?|How do I repair my car?|"
        "What is the price of gold?|When did the war begin?|Why is the sky blue?"
    ),
    "tr": listed(
        "Japonya'nın başkenti neresi?|Hamlet'i kim yazdı?|Yarın hava nasıl olacak?|"
        "Brezilya'da kaç kişi yaşıyor?|17 artı 25 kaç eder?|"
        "Bana ejderha hakkında bir hikaye anlat.|"
        "Ay'a ilk kim gitti?|Ekmek nasıl yapılır?|En yüksek dağ hangisi?|"
        "Şampiyonayı hangi takım kazandı?|Günaydın sözünü İspanyolcaya çevir.|"
        "Kuantum fiziği nedir?|Evren kaç yaşında?|Bana iyi bir film öner.|Bu akşam ne yesem?|"
        "Mona Lisa'yı kim çizdi?|Arabamı nasıl tamir ederim?|Altının fiyatı ne kadar?|"
        "Savaş ne zaman başladı?|Gökyüzü neden mavi?"
    ),
}
THINGS = {
    "en": listed(
        "soup bread telephone wheel car cat dog elephant spider moon sun painting novel pizza rice "
        "laptop camera tree river bird horse ocean garden bridge piano chocolate coffee rain sky "
        "dinosaur robot football chess gold volcano history music philosophy mathematics"
    ),
    "tr": listed(
        "çorba ekmek telefon tekerlek araba kedi köpek fil örümcek ay güneş tablo roman pizza "
        "pilav bilgisayar kamera ağaç nehir kuş at okyanus bahçe köprü piyano çikolata kahve "
        "yağmur gökyüzü dinozor robot futbol satranç altın yanardağ tarih müzik felsefe matematik"
    ),
}
# Sentences with nothing to remember in them; {n} is a number that nobody will ask for.
FILLER = {
    "en": listed(
        "The {a} {t} stood near the {u} for {n} years.|Many visitors like the {a} {t} in spring.|"
        "In {c} the {t} is usually {a}.|A {a} {t} was seen near the {u} yesterday.|"
        "Nobody in {c} knew why the {t} looked so {a}.|The {t} and the {u} belong together.|"
        "About {n} people came to see the {t}.|The old {t} was sold and the {a} one was kept.|"
        "We talked about the {t}, the {u} and the weather.|It rained in {c} for {n} days.|"
        "Page {n} of the report describes a {a} {t}.|She painted the {u} while he watched the {t}."
    ),
    "tr": listed(
        "{a} {t} yıllarca orada durdu.|Ziyaretçiler baharda {a} bir {t} görmek ister.|"
        "{c} çevresinde {t} genellikle {a} olur.|Dün yolda {a} bir {t} ve {u} görüldü.|"
        "Kimse bunun neden böyle {a} olduğunu bilmiyordu.|Burada {t} ile {u} birlikte anılır.|"
        "Görmeye yaklaşık {n} kişi geldi.|Eski {t} satıldı, {a} olanı saklandı.|"
        "Biraz {t}, biraz {u} ve biraz da hava konuştuk.|{c} üzerinde {n} gün yağmur yağdı.|"
        "Raporun {n}. sayfasında {a} bir {t} anlatılıyor.|Hafta sonu {c} gezisi çok {a} geçti."
    ),
}
ADJECTIVES = {
    "en": listed("quiet strange small heavy bright famous wooden simple lonely warm broken early"),
    "tr": listed("sessiz tuhaf küçük ağır parlak ünlü ahşap sade yalnız sıcak kırık güzel"),
}
SYSTEM = {
    "en": listed(
        "You are a helpful assistant.|Answer briefly.|You are the guide of this service.|"
        "Be polite and short.|You are a voice assistant on the phone. Keep answers short.|"
        "Answer only from the given context.|You are a friendly support agent.|Be concise."
    ),
    "tr": listed(
        "Yardımsever bir asistansın.|Kısa cevap ver.|Bu hizmetin rehberisin.|Kibar ve kısa ol.|"
        "Telefonda konuşan bir sesli asistansın. Kısa yanıt ver.|"
        "Sadece verilen bağlama göre cevap ver.|Güler yüzlü bir destek görevlisisin.|Türkçe konuş."
    ),
}

ROLES = {
    "en": listed(
        "a pirate|a doctor|a lawyer|a teacher|a poet|a programmer|a cook|a bank clerk|"
        "a receptionist|an insurance agent|a travel agent|a shop assistant|a robot|"
        "a friendly expert|a translator"
    ),
    "tr": listed(
        "bir korsan|bir doktor|bir avukat|bir öğretmen|bir şair|bir programcı|bir aşçı|"
        "bir banka görevlisi|bir resepsiyonist|bir sigorta uzmanı|bir seyahat acentesi|"
        "bir mağaza görevlisi|bir robot|güler yüzlü bir uzman|bir çevirmen"
    ),
}
STYLES = {
    "en": listed(
        "Answer in one sentence.|Speak like one.|Be creative.|Never lie.|Use simple words.|"
        "Help the customer.|Do not give legal advice.|Think step by step.|Be kind."
    ),
    "tr": listed(
        "Tek cümleyle yanıt ver.|Öyle konuş.|Yaratıcı ol.|Asla yalan söyleme.|"
        "Basit sözcükler kullan.|Müşteriye yardım et.|Hukuki tavsiye verme.|Adım adım düşün.|"
        "Nazik ol."
    ),
}


def _filled(rng: Random, template: str, language: str) -> str:
    things = rng.sample(THINGS[language], 2)
    return template.format(
        t=things[0],
        u=things[1],
        a=rng.choice(ADJECTIVES[language]),
        c=words.city(rng),
        p=f"{words.name(rng)} {words.invented(rng, 2).title()}",
        n=rng.randrange(2, 900),
    )


def beyond(rng: Random, language: str) -> str:
    """A question that the guide cannot answer."""
    return _filled(rng, rng.choice(BEYOND[language]), language)


def instruction(rng: Random, language: str) -> str:
    """A system prompt of the usual kind; the guide stays itself whatever it says."""
    if rng.random() < 0.4:
        return rng.choice(SYSTEM[language])
    role, style = rng.choice(ROLES[language]), rng.choice(STYLES[language])
    sentence = f"You are {role}." if language == "en" else f"Sen {role} gibisin."
    return f"{sentence} {style}" if rng.random() < 0.7 else f"{style} {sentence}"


def filler(rng: Random, language: str, sentences: int) -> str:
    """A paragraph of the given number of sentences."""
    picked = (_filled(rng, rng.choice(FILLER[language]), language) for _ in range(sentences))
    return " ".join(text[:1].upper() + text[1:] for text in picked)
