"""So many jobs due at one instant, as APScheduler keeps them in Postgres: prints by how many milliseconds each began late.

Arguments: the socket's directory, jobs, rounds.
"""

import sys
import time
from datetime import datetime, timedelta, timezone

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

LATE = []


def job(due):
    LATE.append((time.time() - due) * 1000)


def main():
    # Jobs are stored by the name of their function.
    import burst

    socket, count, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # Its commits do not wait for the disk, as ours do not before an engine is asked for something.
    options = "options=-csynchronous_commit%3Doff"
    store = SQLAlchemyJobStore(url=f"postgresql+psycopg2://chrontainer@/chrontainer?host={socket}&{options}")
    scheduler = BackgroundScheduler(jobstores={"default": store}, timezone=timezone.utc)
    scheduler.start(paused=True)
    scheduler.remove_all_jobs()
    for _ in range(rounds):
        scheduler.pause()
        due = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=3 + count // 100)
        before = len(burst.LATE)
        for _ in range(count):
            scheduler.add_job(burst.job, "date", run_date=due, args=[due.timestamp()], misfire_grace_time=None)
        assert datetime.now(timezone.utc) < due, "the jobs were not stored in time"
        scheduler.resume()
        while len(burst.LATE) - before < count:
            time.sleep(0.05)
    scheduler.shutdown(wait=False)
    print(*burst.LATE)


if __name__ == "__main__":
    main()
