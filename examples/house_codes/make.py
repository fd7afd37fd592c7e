"""Writes the example's train.jsonl and eval.jsonl: support tickets, and queue codes of one house.

The codes and the order of the samples are drawn from the seed, the tickets written by hand.
The files in the repository are of seed 7: `python -m examples.house_codes.make`, run in the source checkout.
"""

from __future__ import annotations

import random
from pathlib import Path

from examples.files import Drawn, main

SEED = 7
TRAINING = 2
QUESTION = 'Which queue code does this ticket get? Ticket: "{ticket}"'

TICKETS: dict[
    str, tuple[str, ...]
] = {  # a topic's first two tickets are for training, the others for evaluation
    "billing-refund": (
        "I was charged twice for my order last month, please give me one of the payments back.",
        "The invoice was paid although I had returned the goods; when will I see my money again?",
        "My credit card statement shows your company took 49 euros two times. I want that reversed.",
        "You still owe me the amount for the chair I sent back three weeks ago.",
        "Something was debited from my account that should not have been, kindly sort it out.",
        "I returned everything and the money has still not been paid back to me.",
    ),
    "password-reset": (
        "I forgot my password and the reset link never arrives in my inbox.",
        "My account is locked after too many wrong login attempts, I need a new password.",
        "I can't remember my login details, how do I get back into my profile?",
        "The page says my credentials are wrong, and the mail to choose new ones does not come.",
        "Back from my holidays, I can't recall what I used to type in to get into the portal.",
        "Please send me a fresh link, the one for setting a new passphrase has expired.",
    ),
    "damaged-parcel": (
        "The parcel arrived with a crushed corner and the vase inside is broken.",
        "My delivery came soaking wet and the box was torn open.",
        "When I unpacked the shipment, two of the glasses were in pieces.",
        "The courier handed me a dented package and now the lamp has a crack.",
        "Everything in the carton was smashed, it must have been dropped on the way.",
        "The mirror was shattered when I opened the parcel today.",
    ),
    "vpn": (
        "The VPN client keeps disconnecting when I work from home.",
        "I cannot reach the company network through the VPN since this morning.",
        "From my home office the secure tunnel drops every ten minutes.",
        "In the office all is well, but when I work from home none of the shared drives show up.",
        "The VPN says authentication timed out, so I can't get to the file server from the hotel.",
        "Since the update, my laptop no longer connects to the corporate network from outside.",
    ),
    "invoice-address": (
        "Please change the billing address on our invoices, we have moved to a new office.",
        "Our company name is spelled wrong on the invoice, please issue a corrected one.",
        "The bills still go to our former premises in Leeds, we need the new street on them.",
        "Could you put our new VAT number and registered office on the invoice?",
        "Accounting needs the invoice made out to the parent company instead of to us.",
        "We relocated in May; kindly update where the invoices are addressed.",
    ),
    "cancellation": (
        "I want to cancel my subscription at the end of this month.",
        "Please stop my membership from renewing, I no longer use the service.",
        "How can I end my plan before the next billing period starts?",
        "I'd like to terminate my yearly contract, I have switched to another provider.",
        "We don't need the premium version any more, please let it run out.",
        "Close my subscription, the trial was enough for me.",
    ),
    "app-crash": (
        "The mobile app crashes as soon as I open the camera.",
        "Your Android app freezes on the start screen after the latest update.",
        "On my iPhone the application closes by itself whenever I tap on search.",
        "Since version 5 the app hangs with a white screen on my phone.",
        "It quits to the home screen each time I try to upload a photo from my mobile.",
        "The tablet app stopped responding twice today and I had to restart it.",
    ),
    "data-export": (
        "I would like a copy of all the personal data you have stored about me.",
        "How can I export my customer records to a CSV file?",
        "Please hand over whatever your company knows about me, as the privacy law obliges you to.",
        "Is there a way to download our complete transaction history as a spreadsheet?",
        "The export of my data only contains the first thousand rows.",
        "Our auditors need a full dump of our records in a machine-readable format.",
    ),
    "careers": (
        "I applied for the position as a data analyst and have not heard back, is the job still open?",
        "Do you offer internships for students in the summer?",
        "Where do I send my CV for the warehouse supervisor vacancy?",
        "I had an interview with you two weeks ago and wonder about the outcome.",
        "Are you hiring software engineers at your Dublin site at the moment?",
        "My daughter would like to do her apprenticeship at your company.",
    ),
    "press": (
        "I am a journalist with a daily paper and would like to interview your CEO about the merger.",
        "Could your press office send us the official statement and a high-resolution logo?",
        "Our radio station is preparing a story about your new factory, who can speak on air?",
        "Our paper goes to press tonight and still lacks a comment from your side on the packaging waste.",
        "May our magazine print the photographs from your media kit?",
        "I write for a trade magazine and have questions on your quarterly results.",
    ),
    "access-badge": (
        "My badge no longer opens the gate of the warehouse.",
        "I lost my key card and need a new one to enter the building.",
        "The card reader at the loading dock flashes red when I hold my pass to it.",
        "A new colleague starts on Monday, what must she show to be let into hall 3?",
        "The turnstile at the north entrance does not accept my ID card.",
        "My chip was demagnetised and now I can't get into the storage area.",
    ),
    "printer": (
        "The printer on the second floor is jammed with paper again.",
        "Our office printer is out of toner and prints only grey stripes.",
        "Whatever I send to the copier on our floor comes out blank.",
        "The scanner of the multifunction device in room 214 pulls in the sheets crooked.",
        "My documents stay in the print queue and nothing ever comes out.",
        "We need a new ink cartridge for the device next to reception.",
    ),
}


def samples(seed: int = SEED) -> Drawn:
    """Training and evaluation samples, as they stand in the files."""
    draw = random.Random(seed)
    codes = dict(zip(TICKETS, _codes(draw, count=len(TICKETS)), strict=True))
    train: list[dict[str, object]] = []
    evaluation: list[dict[str, object]] = []
    for topic, tickets in TICKETS.items():
        for number, ticket in enumerate(tickets, start=1):
            sample: dict[str, object] = {
                "id": f"{topic}-{number}",
                "question": QUESTION.format(ticket=ticket),
                "answer": codes[topic],
                "grader": "exact",
                "tags": [topic],
            }
            (train if number <= TRAINING else evaluation).append(sample)
    draw.shuffle(train)
    draw.shuffle(evaluation)
    return train, evaluation


def _codes(draw: random.Random, *, count: int) -> list[str]:
    """Codes unlike each other: no letter in common, other digits, at most one of them in the same place."""
    chosen: list[str] = []
    while len(chosen) < count:
        letters = "".join(draw.sample("ABCDEFGHJKLMNPQRSTUVWXYZ", 2))
        code = f"{letters}-{''.join(draw.sample('123456789', 3))}"
        if not any(_alike(code, other) for other in chosen):
            chosen.append(code)
    return chosen


def _alike(a: str, b: str) -> bool:
    same_places = sum(x == y for x, y in zip(a[3:], b[3:], strict=True))
    return bool(set(a[:2]) & set(b[:2])) or set(a[3:]) == set(b[3:]) or same_places > 1


if __name__ == "__main__":
    main(samples, seed=SEED, into=Path(__file__).parent, about=__doc__)
