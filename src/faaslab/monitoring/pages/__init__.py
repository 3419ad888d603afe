"""Pages of analysis over a store's history: cold starts, durations, costs. The notebooks show them."""

from faaslab.monitoring.pages.page import Page, Section

__all__ = ["Page", "Section"]
