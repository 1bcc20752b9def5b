"""How every checker says what it found: one line a check, counted by test_summary.py."""


class Report:
    def __init__(self, topic):
        self.topic = topic
        self.failed = 0

    def check(self, name, problems):
        """One check: it passes when `problems` is empty."""
        problems = [str(problem) for problem in problems]
        print(f"{'FAILED' if problems else 'ok'} {self.topic}: {name}", flush=True)
        for problem in problems[:50]:
            print(f"    {problem}")
        self.failed += bool(problems)

    def exit_code(self):
        return 1 if self.failed else 0
