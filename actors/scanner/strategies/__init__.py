"""Three honest examples of strategies. They show how one is written; they are no advice, and nobody should trade them."""

from actors.scanner.strategies.flow_confirmation import FlowConfirmation
from actors.scanner.strategies.mean_reversion import MeanReversion
from actors.scanner.strategies.trend_pullback import TrendPullback

STRATEGIES = (TrendPullback, MeanReversion, FlowConfirmation)
