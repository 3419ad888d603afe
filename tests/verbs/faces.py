"""A face that keeps what it was told."""

from contextlib import contextmanager

from faaslab.errors import NotFound


class KeptFace:
    def __init__(self, stdin=b"", **names):
        self.kept = names
        self.input = stdin
        self.notes = []
        self.lines = []
        self.opened = []
        self.advanced = 0
        self.somebody = True
        self.waits = True
        self.asked = []
        self.answer = None

    def names(self, name):
        if name not in self.kept:
            raise NotFound("variable", name, self.kept)
        return self.kept[name]

    def stdin(self, most):
        return self.input[:most]

    @contextmanager
    def progress(self, total, label):
        yield self

    def advance(self, count=1, note=None):
        self.advanced += count

    def stay(self, ready):
        return False

    def attended(self):
        return self.somebody

    def confirm(self, question):
        self.asked.append(question)
        return self.answer

    def debugger(self):
        return None

    def note(self, text):
        self.notes.append(text)

    def tell(self, text):
        self.lines.append(text)

    def emit(self, text, *, end="\n"):
        self.lines.append(text if end == "\n" else text + end)

    def open(self, path):
        self.opened.append(path)
