"""What one can look at and click while it changes: panels, the dashboard, live logs.

Rule: what is shown is made by pure functions as HTML; a widget holds it and the few controls, asks the Lab,
and never blocks. `live` says when it is asked, `stage` how it stands on the page and in the saved file.
"""
