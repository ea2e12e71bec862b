"""Vocabulary of people and animals: who they are, and figures of speech.

Many words are a person's act or a part of the surroundings: "she waves", "the waves". Their subject decides
(`grammar.is_a_persons`).
"""

from typing import Final

_COLOURS = "white/blue/green/red/grey/gray/black/blonde/blond/pink/brown/orange/purple/yellow/colored/coloured"
_CROWDS = (
    "people/consciousness/faces/flowers/lights/stars/light/sound/color/colors/colour/colours/joy/heat/emotion/emotions"
    "/cars/heads"
)

NOTHING: Final = (
    f"snow/sky/sea/ocean/fire/ash/leaf/grass/flame/smoke/water/mist/sand/river/candle/cloud {_COLOURS}",
    "snow leopard/leopards/globe/owl/boots/man/shoes",
    "fire truck/trucks/engine/station/hydrant/escape/extinguisher/fighter/fighters/red",
    "ocean/sea/misty/smoky/snow/storm/fire/river/cloud/sky eyes/eye/makeup",
    "new/permanent/royal wave",
    "magnetic/electric/force/energy field/fields",
    "sky scraper/scrapers",
    "swing set",
    "motion blur",
    "bow of ship/boat",
    "sea lion/lions/horse/horses/gull/gulls/shell/shells/food",
    "rain coat/boots/jacket",
    "water bottle/bottles/color/colour/melon/polo",
    "cloud/dust/wind computing/jacket/turbine/turbines/instrument",
    "tree house",
    "grass skirt",
    f"sea/ocean/river/stream/wave/waves/flood/rain/storm/shower of {_CROWDS}",
    "heat/light/sound/radio/shock/brain/shockwave wave/waves",
    "fire/flame/flames/sparkle/ocean/sea/storm/stars/rain in eyes/heart/gaze/soul",
    "depth of field",
    "shallow/deep depth field",
    "field of view",
    "field/fields vision",
    "bow and arrow/arrows",
    "bow in hair",
    "bow tie",
    "on/onto/of/under/behind/near/over/against/by/beside rock/rocks",
    "rock/rocks on/in/at/by/of/near beach/shore/sea/water/river/desert/cliff/coast",
    "rock band/concert/music/song/climbing/climber/star/wall/face/formation/formations/pool/pools",
    "at/to/toward/towards/into/at camera",
    "face/faces/facing camera",
    "look~/stare~/gaze~ at/into/to/toward/towards camera",
)
"""Phrases that move nothing, although a word of them alone would."""

GRAIN: Final = ("wave/waves of grain/wheat/grass/corn/barley/rice", "wave/waves wheat/grain")
"""Phrases in which waves are moving grass."""

PRONOUNS: Final = """
he she they who i we you someone somebody everyone everybody he's she's they're who's i'm we're you're
"""
OBJECTS: Final = "her him them me us"
CAUSING: Final = "make makes making let lets letting have has having see sees seeing watch watches help helps"
"""Causative verbs, between which and an act stands its person as an object: "make her wave"."""
ACTORS: Final = """
crowd crowds audience family father mother dad mom son daughter brother sister friend friends guy guys grandmother
grandfather grandma grandpa teacher student boss chef clown prince princess knight wizard witch santa nun monk priest
toddler teen teenager bartender waiter waitress driver pilot sailor officer policeman player players athlete runner
surfer fisherman farmer worker workers doctor nurse bride groom mermaid elf zombie mummy panda monkey ape cow goat sheep
pig rooster chicken duck mouse rat hamster eye hand arm arms lips mouth finger fingers eyelashes eyelids
"""
"""Further subjects of acts, besides `vocabulary`'s nouns: people, animals and parts of the body."""
THINGS: Final = """
portrait car cars truck bus train bike bicycle motorcycle boat ship plane rocket statue house houses building buildings
tower castle church bridge city street village mountain mountains hill hills beach forest garden room table chair cup
coffee mug bottle book flower doll toy moon sun star stars
"""
"""Those of `vocabulary`'s nouns that are no people."""
MOVERS: Final = """
he she they car cars truck bus train bike bicycle motorcycle boat boats ship ships plane planes rocket helicopter
balloon balloons bird birds ball
"""
"""Things that travel, besides whole persons."""
DEEDS: Final = """
sits sit sitting stands stand standing looks look looking watches watch watching holds hold holding lifts lift lifting
raises raise raising wears wear wearing enters enter entering comes come goes go stops stop starts start begins begin
tries try turns turn turning walks walk walking runs run running steps step stepping leans lean leaning nods nod nodding
bows dances dance dancing smiles smile smiling laughs laugh laughing grins speaks talks sings blinks winks cries jumps
points claps moves move moving approaches breathes sighs sways stumbles stumble stumbling gets pauses looked smiled
laughed turned walked stood sat
"""
"""Acts that may come before the next act: "she turns to the camera and waves"."""
HELPING: Final = """
is are was were be being wants want likes loves begins begin beginning starts start starting keeps keep tries stops then
now just also both always often still happily cheerfully warmly proudly sadly shyly back suddenly excitedly friendly
"""
"""Words that may stand between a person and the act."""
FOLLOWED_BY: Final = """
crash crashes crashing roll rolls rolling break breaks breaking lap laps lapping splash splashes splashing rise rises
rising hit hits foam surge surges surging wash washes washing fall falls falling rustle rustles rustling blow blows
blowing drift drifts drifting move moves moving sway sways swaying dance dances dancing fly flies flying float floats
floating flow flows flowing swirl swirls swirling flutter flutters fluttering of
"""
"""Acts of waves and leaves: before one of these, the word is no person's act."""
PLACES: Final = "left right middle centre center front back background foreground side"
PLACED: Final = "on in at to the far of"
"""Words of a place between a person and the act: "the man on the left waves"."""
SHARED: Final = "wave leave blow burn flutter flicker smoke swell shimmer ripple sparkle fall"
"""Verbs that are spelled like nouns; their subject decides."""
SURROUNDINGS: Final = """
sea ocean wind clouds rain snow sky water river lake pond fire smoke mist fog dust particles pollen snowflakes leaves
petals embers sparks steam
"""
"""Things named together with waves and leaves: "he looks at the sea and waves"."""
