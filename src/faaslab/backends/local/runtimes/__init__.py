"""What serves a function: its code, layers and packages in folders, and the program that its runtime names.

Rule: values and folders only; nothing is started here but installers.
"""
