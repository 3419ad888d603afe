"""Shares as every page, notebook and shell writes them. Pure, and loads nothing."""

from __future__ import annotations


def share(part: float) -> str:
    """`4.2 %` of a part from 0 to 1. A little is never shown as 0 %, nor nearly all as 100 %."""
    hundredths = float(part) * 100
    if not hundredths:
        return "0 %"
    if 0 < hundredths < 0.01:
        return "under 0.01 %"
    if 0 < hundredths < 0.1:
        return f"{hundredths:.2f} %"
    if hundredths >= 99.95 and hundredths < 100:
        return "over 99.9 %"
    return f"{hundredths:.1f} %" if hundredths < 10 or 99 < hundredths < 100 else f"{hundredths:.0f} %"
