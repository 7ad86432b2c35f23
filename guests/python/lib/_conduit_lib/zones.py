"""Time zones, out of the snapshot's own table: there is no folder of them."""

import io
import zoneinfo
from zoneinfo import _common, _tzpath


def _zones():
    # Large, and few programs want it.
    from _conduit_zones import ZONES

    return ZONES


def load_tzdata(key):
    data = _zones().get(key)
    if data is None:
        raise zoneinfo.ZoneInfoNotFoundError(f"no time zone is called {key!r}, expected a name such as Europe/Berlin")
    return io.BytesIO(data)


def available_timezones():
    return set(_zones())


_common.load_tzdata = load_tzdata
_tzpath.available_timezones = zoneinfo.available_timezones = available_timezones
