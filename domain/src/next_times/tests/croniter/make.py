#!/usr/bin/env python3
"""Writes cases.txt: random expressions and what croniter, an implementation that is not ours, says of them in UTC.

    python3 -m venv /tmp/croniter && /tmp/croniter/bin/pip install croniter==7.0.0
    /tmp/croniter/bin/python make.py > cases.txt

A line is `expression <tab> start <tab> gaps`: the first fire time is so many seconds after the start (Unix time), each
further one so many after the one before; `never` where croniter finds none.

croniter puts seconds LAST, we put them first, and its `L5` is our `5L`. `implement_cron_bug` is the rule of crontab(5) that
we keep: a day field that starts with `*` is not restricted. Beside a restricted day of the month it takes `5L` and `1#2` as a
further restriction, where crontab(5) and we take either, so these come with `*`; and a list of every day is `*` to it. That, and what croniter does not know
(`L-3`, `LW`, ranges over the end of their field), is asked of the plain second implementation beside these tests.
"""

import calendar
import random
import sys
from datetime import datetime, timezone

import croniter as module
from croniter import croniter

SEED, CASES, FIRES = 20261130, 6000, 3
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "sun mon tue wed thu fri sat".split()


def item(rng, low, high, names=None):
    def value(n):
        if names and rng.random() < 0.3:
            return names[n - low]
        return str(n)

    kind = rng.random()
    one = rng.randint(low, high)
    if kind < 0.45:
        return value(one)
    if kind < 0.6:
        return f"*/{rng.randint(1, high - low + 1)}"
    a, b = sorted((one, rng.randint(low, high)))
    if a == b:
        return value(a)
    if kind < 0.85:
        return f"{value(a)}-{value(b)}"
    return f"{a}-{b}/{rng.randint(1, max(1, b - a))}"


def field(rng, low, high, star, names=None, special=None):
    if rng.random() < star:
        return "*"
    parts = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if special and rng.random() < 0.15:
            parts.append(special(rng))
        else:
            parts.append(item(rng, low, high, names))
    return ",".join(parts)


def expression(rng):
    """Ours and croniter's way to write the same."""
    minute, hour = field(rng, 0, 59, 0.3), field(rng, 0, 23, 0.35)
    day = field(rng, 1, 31, 0.5, special=lambda rng: "L")
    month = field(rng, 1, 12, 0.6, MONTHS)
    kind = rng.random()
    if kind < 0.2:
        day = "*"
    if kind < 0.1:
        last = ",".join(str(rng.randint(0, 6)) + "L" for _ in range(rng.choice((1, 1, 2))))
        weekday, theirs = last, ",".join("L" + part[0] for part in last.split(","))
    elif kind < 0.2:
        weekday = theirs = f"{rng.randint(0, 6)}#{rng.randint(1, 5)}"
    else:
        weekday = theirs = field(rng, 0, 6, 0.55, WEEKDAYS)
        if rng.random() < 0.03:
            weekday = theirs = "7"
    ours, other = f"{minute} {hour} {day} {month} {weekday}", f"{minute} {hour} {day} {month} {theirs}"
    if rng.random() < 0.25:
        second = field(rng, 0, 59, 0.2)
        ours, other = f"{second} {ours}", f"{other} {second}"
    return ours, other


def fires(other, start):
    # croniter looks so many years ahead; the calendar repeats after 400, and 2100 is no leap year.
    walk = croniter(other, datetime.fromtimestamp(start, timezone.utc), implement_cron_bug=True, max_years_between_matches=45)
    times = []
    for _ in range(FIRES):
        try:
            times.append(int(walk.get_next(float)))
        except module.CroniterBadDateError:
            break
    return times


def main():
    rng = random.Random(SEED)
    first = calendar.timegm((1970, 1, 2, 0, 0, 0))
    last = calendar.timegm((2095, 1, 1, 0, 0, 0))
    made, refused = 0, {}
    while made < CASES:
        ours, other = expression(rng)
        start = rng.randint(first, last)
        if rng.random() < 0.2:
            # Near the ends of years and in leap years more happens.
            year = rng.choice((1972, 1999, 2000, 2023, 2024, 2027, 2028, 2095))
            start = calendar.timegm((year, rng.choice((2, 12)), 28, rng.randint(0, 23), 59, rng.randint(0, 59)))
        try:
            times = fires(other, start)
        except module.CroniterBadCronError as error:
            refused[str(error).split("[")[0]] = other
            continue
        # Where a day field names every day, croniter takes it for `*`; by crontab(5) only what is written counts.
        expanded, fields = croniter(other).expanded, other.split()
        if any(expanded[n] == ["*"] and not fields[n].startswith("*") for n in (2, 4)):
            continue
        gaps, before = [], start
        for at in times:
            gaps.append(str(at - before))
            before = at
        if len(gaps) < FIRES:
            gaps.append("never")
        print(f"{ours}\t{start}\t{' '.join(gaps)}")
        made += 1
    for why, example in refused.items():
        print(f"refused: {why} {example}", file=sys.stderr)


main()
