"""What two runs that should be equal are compared by."""


def without_times(rows):
    times = ("seconds", "tokens_per_second")
    return [{k: v for k, v in row.items() if k not in times} for row in rows]
