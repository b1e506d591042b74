"""Transcripts: what people say when they feel something, in a small grammar."""

import numpy as np

TOPICS = (
    "the letter", "the apartment", "the trip", "the interview", "the party", "the phone call",
    "the car", "the wedding", "the doctor's visit", "the new job", "the exam", "the dinner",
    "the ticket", "the move", "the neighbours", "the game",
)  # fmt: skip
OPENERS = ("", "", "", "", "Well, ", "You know, ", "Look, ", "Listen, ", "I mean, ", "So, ")

COMMON = (  # sentences that fit any emotion: only the voice or the face tells
    "Okay.", "Yeah.", "What do you mean?", "I know.", "What did you say?", "Right.", "Really?",
    "You did that?", "I don't know.", "Come on.", "Wait a minute.", "So that's it, then.",
    "I heard about {topic}.", "They told me about {topic}.", "What about {topic}?", "Mm-hm.",
    "That is what he said.", "It was {topic}, you see.",
)  # fmt: skip

PHRASES = {
    "neutral": (
        "I left {topic} for Tuesday.", "It starts at seven, I think.", "I put it on the table.",
        "We could talk about {topic} after lunch.", "She works on the second floor.",
        "He wrote down the address for {topic}.", "I take the bus to get there.",
        "You need two forms of identification.", "They moved {topic} to next week.",
        "The store on the corner is open till nine.", "I usually have coffee around ten.",
        "There is a copy of it in the drawer.", "Could you pass me the paper?",
        "I will be back in about an hour.",
    ),
    "joy": (
        "I'm so happy about {topic}!", "That makes me smile.", "Oh, this is lovely, thank you.",
        "I'm really glad we did {topic}.", "What a beautiful day we had.", "I love you, I do.",
        "It feels good to be with you.", "You made my day with {topic}.", "We laughed so much!",
        "That was the nicest thing about {topic}.", "I'm pleased, it all went well.",
        "Everybody loved {topic}.", "I couldn't be happier for you.", "Aw, that's sweet of you.",
    ),
    "excitement": (
        "Oh my god, we got {topic}!", "I can't wait, I can't wait!", "This is going to be amazing!",
        "We're going, we're really going!", "You have to see {topic}, it's incredible!",
        "Yes! Yes! They picked me!", "I've dreamt about {topic} forever!", "Pack your bags, hurry!",
        "It's finally happening!", "I'm jumping up and down about {topic}!",
        "Woo, let's celebrate!",
        "Guess what, I won {topic}!", "Tonight we party!", "That's so cool, tell me everything!",
    ),
    "sadness": (
        "I miss her so much.", "I've been crying all night about {topic}.",
        "She's gone, she's dead.",
        "I'm so lonely since {topic}.", "It hurts, it just hurts.",
        "I lost everything with {topic}.",
        "There's nothing left for me here.", "I'm sorry, I can't stop crying.",
        "He left me and I feel empty.", "I wish I could say goodbye once more.",
        "My heart is broken over {topic}.", "I don't think I'll ever get over it.",
        "We buried him on Sunday.", "I'm sad that {topic} is over.",
    ),
    "anger": (
        "Get out of my house!", "How dare you talk about {topic}!", "I hate you for this!",
        "Shut up, just shut up!", "You lied to me about {topic}!", "Don't you ever touch me again!",
        "I'm furious about {topic}!", "What the hell is wrong with you?", "You're a selfish liar!",
        "I'll make you pay for {topic}!", "Stop it, stop it right now!", "You ruined {topic}!",
        "I'm so mad I could scream!", "Go to hell, all of you!",
    ),
    "frustration": (
        "I've been standing in this line for three hours.", "Nobody ever tells me about {topic}.",
        "I keep trying and nothing works.", "This is the third time I explain {topic}.",
        "It's no use, you never listen.", "Why is {topic} always so complicated?",
        "I'm sick of waiting for {topic}.", "They lost my papers again.",
        "I can't do this anymore.",
        "We're going round in circles.", "The machine is broken again, of course.",
        "I've called them ten times about {topic}.", "Whatever I do, it's wrong.",
        "Ugh, not this again.",
    ),
    "surprise": (
        "Oh! I didn't see that coming!", "What? You're married?", "No way, {topic} was today?",
        "You're kidding, {topic}?", "Wow, I had no idea!", "Since when do you speak French?",
        "Wait, what? She's your sister?", "I never expected {topic}!",
        "Oh my god, when did you get here?",
        "Whoa, where did {topic} come from?", "You did what with {topic}?",
        "Huh! That's a surprise!",
        "Is that really you?", "I can't believe it's {topic}!",
    ),
    "fear": (
        "I'm scared, don't leave me.", "There's somebody in the house!", "Please don't hurt me.",
        "I'm terrified of {topic}.", "What if {topic} goes wrong and we die?", "Run, he has a gun!",
        "I'm so worried about {topic}, I'm shaking.", "Oh no, oh no, it's coming closer.",
        "I can't go in there, it's dark.", "I have nightmares about {topic}.",
        "Help, somebody help!",
        "I'm afraid of what they'll do.",
    ),
    "disgust": (
        "Ew, that's disgusting.", "It smells like rotten fish.",
        "{topic} makes me sick to my stomach.",
        "Yuck, get that away from me.", "There's a hair in my soup, gross.",
        "I'm going to throw up.",
        "That's the most revolting thing about {topic}.", "He never washes, it's repulsive.",
        "Don't put that filthy thing on {topic}.", "Ugh, it's all slimy and foul.",
        "You people are vile.", "That's nasty, I can't eat this.",
    ),
}  # fmt: skip


def sentence(shown: str | None, rng: np.random.Generator) -> str:
    """Word an utterance that shows an emotion (a key of `PHRASES`), or None: nothing in words."""
    bank = COMMON if shown is None else PHRASES[shown]
    topic = TOPICS[rng.integers(len(TOPICS))]
    said = bank[rng.integers(len(bank))].format(topic=topic)
    opener = OPENERS[rng.integers(len(OPENERS))]
    if not opener:
        return said[0].upper() + said[1:]
    keep = said.startswith(("I ", "I'"))
    return opener + (said if keep else said[0].lower() + said[1:])
