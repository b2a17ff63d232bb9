import random, time
from tests.product.test_product_can_take import *
from tests.product.test_product_can_take import _region,_second_market,_swaps,_viewer
from resolvers.swap_filter import can_take
async def test_x(world, town):
    dice = random.Random(SEED)
    miami, island = await _region(town, town.market), await _region(town, await _second_market(town))
    await _swaps(town, dice, [miami, island])
    viewers = [await _viewer(town, dice, [miami, island], number) for number in range(8)]
    import asyncpg
    c = await asyncpg.connect(world.servers.database_url)
    await c.execute("begin")
    v = viewers[1]
    for k, x in (("tenant_id", v.tenant), ("actor_id", v.person), ("role", "cleaner"), ("session_id", v.session)):
        await c.fetch("select set_config('app.'||$1, $2, true)", k, str(x))
    class R:
        def __getattr__(self, n): return f"w.{n}"
    class S:
        def __getattr__(self, n): return f"stamp.{n}"
    sql = f"""select count(*) from (select current_setting('app.tenant_id')::uuid tenant_id, current_setting('app.actor_id')::uuid actor_id, now() as now offset 0) stamp
      join lateral (select * from swap w where w.tenant_id = stamp.tenant_id and {can_take(R(), S())}) x on true"""
    await c.execute("set jit=off")
    for row in await c.fetch("explain (analyze, costs off, buffers off) " + sql): print(row[0])
    for _ in range(3):
        t = time.time(); print(await c.fetchval(sql), time.time()-t, "TIME")
    print("TIME", time.time() - t, await world.root.fetch("select relname, n_live_tup, last_autoanalyze from pg_stat_user_tables where relname in ('assignment','job','swap','property')"))
    await c.close()
