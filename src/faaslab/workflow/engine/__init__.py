"""Carries executions out: keeps each step before its effects, waits without threads, resumes what is left."""
