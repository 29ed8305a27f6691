"""What assets are called in headlines, and which tickers are words as well. Pure: a table."""

from __future__ import annotations

from typing import Final

_FIAT: Final = """
USD EUR GBP JPY CHF AUD NZD CAD SEK NOK DKK CNY CNH HKD SGD KRW INR MXN BRL ZAR TRY PLN CZK HUF ILS THB
"""
_CRYPTO_QUOTES: Final = {"USDT", "USDC", "FDUSD", "TUSD", "DAI", "BUSD", "BTC", "ETH", "BNB"}
FIAT: Final = frozenset(_FIAT.split())
QUOTES: Final = FIAT | _CRYPTO_QUOTES
"""What stands second in a pair."""

NAMES: Final[dict[str, str]] = {
    "bitcoin": "BTC", "bitcoins": "BTC", "bitcoin cash": "BCH", "bitcoin sv": "BSV", "wrapped bitcoin": "WBTC",
    "ethereum": "ETH", "ether": "ETH", "ethereum classic": "ETC", "ethereum name service": "ENS",
    "solana": "SOL", "ripple": "XRP", "cardano": "ADA", "dogecoin": "DOGE", "dogecoins": "DOGE", "litecoin": "LTC",
    "polkadot": "DOT", "chainlink": "LINK", "uniswap": "UNI", "sushiswap": "SUSHI", "thorchain": "RUNE",
    "monero": "XMR", "zcash": "ZEC", "toncoin": "TON", "aptos": "APT", "arbitrum": "ARB", "hyperliquid": "HYPE",
    "shiba inu": "SHIB", "binance coin": "BNB", "stellar lumens": "XLM", "tezos": "XTZ", "filecoin": "FIL",
    "hedera": "HBAR", "algorand": "ALGO", "vechain": "VET", "near protocol": "NEAR", "internet computer": "ICP",
    "harmony one": "ONE", "loopring": "LRC", "bluzelle": "BLZ", "keep network": "KEEP", "avalanche network": "AVAX",
    "litecoins": "LTC", "celestia": "TIA", "worldcoin": "WLD", "pepecoin": "PEPE", "aave": "AAVE",
    "euro": "EUR", "yen": "JPY", "japanese yen": "JPY", "sterling": "GBP", "pound sterling": "GBP",
    "british pound": "GBP", "swiss franc": "CHF", "aussie dollar": "AUD", "australian dollar": "AUD",
    "kiwi dollar": "NZD", "new zealand dollar": "NZD", "canadian dollar": "CAD", "loonie": "CAD",
    "yuan": "CNY", "renminbi": "CNY", "turkish lira": "TRY", "mexican peso": "MXN",
    # what looks like a name and is none
    "euro stoxx": "", "euro area": "", "euro zone": "", "euro cup": "", "euro ncap": "", "euro vision": "",
    "ripple effect": "", "ripple effects": "", "sterling silver": "", "yen for": "", "sterling heights": "",
}  # fmt: skip
"""Name in lower case to its asset; empty: these words name none. The longest one counts."""

_WORDS: Final = """
ACE ACT AGENT AI ALPHA ALT ANIME ARK ARM ATOM AUCTION BAD BAKE BAN BAND BAR BEAM BETA BID BIG BLUR BOND BUY
CAD CAKE CAT CELL CEO CHESS CITY COMP CORE COS COW CREAM CUT CVC DASH DATA DENT DOCK DODO DOG DOT DREAM DUSK
EDGE EDU ELF EPIC ETC ETF EU FAN FARM FED FIDA FIRE FLOW FLUX FOR FORM FORTH FUEL FUN FUND GAL GALA GAS GLM
GO GOLD GRASS GRT HARD HIGH HOLD HOME HOOK HOT HYPE ICE ID IDEX IMF IN INIT IO IPO IQ IS IT JOE JUP JUST
KEEP KEY KITE LAYER LINK LISTA LIT LOOM LUNA MAGIC MAIN MANA MASK MASS MAV MAX ME MEME METIS MINA MIRA MOB
MOON MOVE MY NEAR NEIRO NEO NEW NOT NULS OG OM OMNI ON ONE OP OPEN ORDER OXY PEOPLE PERP PHB PIVX POL PORTAL
POWER PRIME PROM PROVE PUMP PYTH QUICK RAD RARE RAY READY RED REEF REI RENDER REQ REZ RIF ROSE SAFE SAGA
SAND SAT SAY SCRT SEC SELL SIGN SKY SNAP SNT SOLO SOPH SPELL SPOT STAR STEEM STEP STORM STRAX STRONG SUN
SUPER SWEAT SYS TAO TERM THE THETA THOR TIME TOKEN TOP TREE TRIBE TROY TRUMP TRY TURBO UK UMA UNI UP US
USUAL VAN VANA VIA VIC VIEW VITE VOXEL WAVE WAVES WAX WE WIF WIN WING WOO XAI YOU ZEN ZERO ZK
"""
WORDS: Final = frozenset(_WORDS.split())
"""Tickers that are words or abbreviations of something else: they count with `$` or `#`, in brackets, or in a pair."""
