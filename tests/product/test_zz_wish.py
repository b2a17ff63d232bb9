"""Which exposed mutations have no working wish."""

import sys
import pytest
from resolvers.expose import EXPOSED
from tests.product.furnished import kept
from tests.product.walking import MUTATIONS, a_working_wish, places
from tests.product.contract import EITHER
from tests.product.test_product_schema import *


async def test_wishes(world):
    import traceback, time

    house = await kept(world, "Egret4")
    bad = {}
    t = time.time()
    for name in EXPOSED:
        ways = [(min(g),) for g in EITHER.get(MUTATIONS[name].args["input"].type.of_type.name, ())]
        for naming in ways or [()]:
            s = time.time()
            try:
                await a_working_wish(house, name, naming)
            except BaseException as e:
                bad[name, naming] = (
                    str(e)[:1200]
                    if isinstance(e, AssertionError)
                    else "".join(traceback.format_exception(e)[-4:])[-1500:]
                )
            if time.time() - s > 3:
                print("SLOW", name, time.time() - s)
    for k, v in bad.items():
        print("BAD", k, v)
    print("total", time.time() - t)
    assert not bad
