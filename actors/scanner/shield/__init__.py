"""Filter of the scanner: rules of `shield.yaml` score and veto each new idea. Pure.

parse_shield(text, path)  ->  RuleBook  ->  Shield(book).judge(candidate, surroundings)  ->  Decision
"""

from actors.scanner.shield.book import RuleBook as RuleBook
from actors.scanner.shield.judged import Candidate as Candidate
from actors.scanner.shield.judged import Decision as Decision
from actors.scanner.shield.judged import Exposure as Exposure
from actors.scanner.shield.judged import Headline as Headline
from actors.scanner.shield.judged import Surroundings as Surroundings
from actors.scanner.shield.shield import Shield as Shield
from actors.scanner.shield.shield_file import parse_shield as parse_shield
