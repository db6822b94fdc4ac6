"""The words of the sample world. Everything here is invented; no person is meant."""

TAG_WORDS = {
    "hiking": ("hiking", "day hike", "mountain walk", "trekking"),
    "food-tours": ("food tour", "street food", "cooking class", "market tour"),
    "wine": ("wine tasting", "vineyard visit", "wine tour"),
    "family": ("with kids", "family trip", "toddler friendly"),
    "honeymoon": ("honeymoon", "romantic weekend", "anniversary trip"),
    "photography": ("photo walk", "photography", "instagram spots"),
    "road-trips": ("road trip", "self drive route", "campervan"),
    "skiing": ("skiing", "ski touring", "snowboard"),
    "surfing": ("surf lessons", "surfing", "surf camp"),
    "diving": ("scuba diving", "snorkelling", "diving course"),
    "wildlife": ("bird watching", "wildlife", "whale watching"),
    "museums": ("museum tour", "art history", "gallery visit"),
    "architecture": ("architecture walk", "old town tour", "modern buildings"),
    "nightlife": ("nightlife", "bar crawl", "live music"),
    "cycling": ("bike tour", "cycling", "gravel route"),
    "sailing": ("sailing trip", "boat charter", "day on a boat"),
    "camping": ("camping", "wild camping", "hut to hut"),
    "rail": ("by train", "rail itinerary", "night train"),
    "wellness": ("spa weekend", "yoga retreat", "thermal baths"),
    "accessible": ("wheelchair accessible", "step free", "accessible tour"),
    "budget": ("on a budget", "cheap", "backpacking"),
    "luxury": ("luxury", "private driver", "five star"),
}

CITY_TAGS = {
    "Lisbon": ("surfing", "food-tours", "architecture", "nightlife", "sailing", "family"),
    "Porto": ("wine", "food-tours", "architecture", "photography", "cycling", "rail"),
    "Barcelona": ("architecture", "food-tours", "nightlife", "family", "museums", "sailing"),
    "Rome": ("museums", "food-tours", "architecture", "family", "honeymoon", "luxury"),
    "Naples": ("food-tours", "sailing", "hiking", "wine", "museums", "honeymoon"),
    "Athens": ("museums", "sailing", "family", "food-tours", "architecture", "budget"),
    "Split": ("sailing", "hiking", "nightlife", "diving", "honeymoon", "budget"),
    "Vienna": ("museums", "wellness", "rail", "family", "architecture", "cycling"),
    "Innsbruck": ("skiing", "hiking", "camping", "photography", "wellness", "family"),
    "Edinburgh": ("hiking", "road-trips", "museums", "wildlife", "photography", "nightlife"),
    "Reykjavik": ("road-trips", "photography", "wildlife", "wellness", "camping", "hiking"),
    "Bergen": ("hiking", "rail", "photography", "road-trips", "sailing", "wildlife"),
    "Istanbul": ("food-tours", "architecture", "museums", "nightlife", "luxury", "photography"),
    "Marrakech": ("food-tours", "hiking", "luxury", "photography", "wellness", "honeymoon"),
    "Kyoto": ("museums", "food-tours", "honeymoon", "photography", "rail", "wellness"),
    "Hanoi": ("food-tours", "budget", "cycling", "photography", "family", "camping"),
}

CITY_DEMAND = (16, 9, 14, 15, 7, 8, 6, 7, 5, 8, 14, 5, 8, 6, 13, 5)
"""How often people ask for each city; Reykjavik and Kyoto more often than experts live there."""

CITY_SUPPLY = (13, 9, 12, 11, 8, 7, 7, 8, 6, 7, 3, 6, 7, 6, 4, 6)

LANGUAGE_SUPPLY = {
    "english": 0.95, "spanish": 0.3, "french": 0.25, "german": 0.25, "italian": 0.22,
    "portuguese": 0.2, "dutch": 0.08, "arabic": 0.06, "mandarin": 0.03, "japanese": 0.025,
}  # fmt: skip
"""Share of experts who speak it. Nobody speaks Korean, and people ask for it."""

LANGUAGE_DEMAND = {
    "english": 30, "spanish": 14, "french": 13, "german": 14, "italian": 6, "portuguese": 4,
    "dutch": 5, "arabic": 3, "mandarin": 9, "japanese": 8, "korean": 9,
}  # fmt: skip

AVAILABILITY_SUPPLY = {"this_week": 0.12, "weekends": 0.35, "evenings": 0.4, "next_month": 0.85}
AVAILABILITY_DEMAND = {"this_week": 40, "weekends": 30, "evenings": 12, "next_month": 18}

UNMET_DEMANDS = (
    (10, 0.30, ("northern lights with kids", "northern lights family trip", "see aurora with kids",
                "northern lights for families", "family aurora trip")),
    (8, 0.28, ("sign language tour guide", "guide who knows sign language", "tour in sign language",
               "sign language guides")),
    (7, 0.22, ("dog friendly hiking", "hiking with my dog", "hikes with dogs allowed",
               "dog friendly hikes")),
    (6, 0.35, ("antarctica cruise planner", "antarctica cruise", "cruise to antarctica",
               "antarctica expedition cruise")),
    (5, 0.20, ("gluten free food tour", "food tour gluten free", "celiac food tour",
               "gluten-free food tours")),
    (4, 0.18, ("stargazing desert camp", "desert stargazing", "stargazing camps in the desert")),
    (3, 0.25, ("faroe islands guide", "faroe islands", "guide for the faroe islands",
               "faroe island guides")),
)  # fmt: skip
"""What people ask for and nobody offers: weight, share who leave an e-mail, ways to say it."""

FILLED_DEMAND = (
    "gorilla trekking", "gorilla trek", "gorilla trekking guide", "see mountain gorillas",
    "trekking with gorillas", "gorilla treks",
)  # fmt: skip
"""Asked for and found nowhere until three experts join in the middle of the period."""

UNHELPFUL_DEMANDS = (
    "visa requirements", "do i need a visa", "travel insurance", "cheap flights",
    "luggage storage", "cancel my booking", "weather in may",
)  # fmt: skip
"""What Sage answers with experts although nobody wanted one."""

POLITE = ("", "", "", "", "", "", "", " please", "?", "!", " asap", " for two")

ADJECTIVES = (
    "amber", "brisk", "calm", "copper", "coral", "dapper", "dusky", "early", "frosty", "gentle",
    "golden", "hazel", "ivory", "jolly", "keen", "lively", "maple", "misty", "noble", "olive",
)  # fmt: skip
BIRDS = (
    "avocet", "bittern", "curlew", "dunlin", "egret", "finch", "godwit", "heron", "ibis", "jay",
    "kestrel", "lapwing", "merlin", "nuthatch", "osprey", "petrel", "quail", "redstart", "siskin",
    "tern",
)  # fmt: skip
THINGS = (
    "acorn", "anchor", "basket", "beacon", "button", "candle", "compass", "cushion", "drum",
    "feather", "hammock", "kettle", "ladder", "lantern", "marble", "mitten", "paddle", "pebble",
    "ribbon", "saddle", "teapot", "thimble", "umbrella", "whistle",
)  # fmt: skip
