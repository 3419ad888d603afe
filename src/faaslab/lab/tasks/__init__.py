"""What the Task states of workflows ask for, carried out: functions, services, workflows, HTTP, workers.

Rule: nothing here waits in the thread of an engine. What takes time runs where it runs anyway (a function, a
worker) or in a few threads that all executions share, and answers with a signal when it is done.
"""
