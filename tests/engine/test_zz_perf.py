import time, gc
from graphql import ExecutionResult, execute
from tests.engine.conftest import *
from resolvers.engine.executor import RowExecutor
from graphql import parse
FEED="""query F($n:Int){ swaps(first:$n) { edges { cursor node { id status createdAt closedAt note jobStartsAt
 job { id startsAt status note home { id street } } owner { id name } taker { id name rating } } } pageInfo { hasNextPage endCursor } } }"""
async def test_perf(api):
    class Fixed:
        def __init__(s,p): s.p=p; s.v=None
        async def fetchval(s,*a):
            if s.v is None: s.v = await s.p.fetchval(*a)
            return s.v
    f=Fixed(api.pool)
    r=await api.execute(FEED,{"n":50},pool=f); assert r.errors is None; print(len(r.data["swaps"]["edges"]))
    from resolvers.engine.engine import Request
    doc=parse(FEED); a=an_actor()
    N=300
    def t(name, s): print(name, round((time.process_time()-s)/N*1e6),"us")
    s=time.process_time()
    for _ in range(N): p=api.engine.prepare(Request(FEED,doc,None,{"n":50}),"owner")
    t("prepare",s); s=time.process_time()
    for _ in range(N): ans=await api.engine.fetch(f,p,a)
    t("decode+shape",s); s=time.process_time()
    for _ in range(N): x=execute(api.engine.schema,doc,ans.shaped,variable_values={"n":50},executor_class=RowExecutor)
    t("executor over rows",s); assert x.data==ans.shaped
    s=time.process_time()
    for _ in range(N): await api.execute(FEED,{"n":50},pool=f)
    t("strawberry whole (parse+validate+..)",s)
    s=time.process_time()
    for _ in range(100): await api.execute(FEED,{"n":50})
    print("with db", (time.process_time()-s)/100*1e6)
