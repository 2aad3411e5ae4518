"""One live training run per browser tab: what can be chosen, how it trains, what its page is told. The server is play.py."""
