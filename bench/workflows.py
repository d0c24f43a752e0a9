"""The workflows that are measured, as AWE's files, and the same graphs in LangGraph."""

import operator
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph

from awe_app.domain.workflow import Workflow

TEXT = "a text of some length to pass along"


def node(node_id: str, node_type: str, **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": node_type, f"{node_type}_config": config}


def edges(*pairs: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"id": f"e{i}", "source": pair[0], "target": pair[1], "source_handle": pair[2] if len(pair) > 2 else None}
        for i, pair in enumerate(pairs)
    ]


def workflow(name: str, nodes: list[dict[str, Any]], wires: list[dict[str, Any]]) -> Workflow:
    return Workflow.model_validate({"name": name, "nodes": nodes, "edges": wires})


START_NODE = node("start", "input", fields=[{"name": "text", "type": "text", "required": True}])


def chain(length: int) -> Workflow:
    """``length`` templates in a row; each puts its number before what the one before gave."""
    before, nodes, pairs = "inputs.text", [START_NODE], []
    for i in range(length):
        nodes.append(node(f"n{i}", "template", template=f"{i}:{{{{ {before} }}}}"))
        pairs.append(("start" if i == 0 else f"n{i - 1}", f"n{i}"))
        before = f"nodes.n{i}.output"
    nodes.append(node("result", "output", value=f"{{{{ {before} }}}}"))
    return workflow("chain", nodes, edges(*pairs, (f"n{length - 1}", "result")))


def chain_result(length: int) -> str:
    return "".join(f"{i}:" for i in reversed(range(length))) + TEXT


def fan_out(width: int) -> Workflow:
    """One node, ``width`` templates beside each other, one node."""
    names = [f"n{i}" for i in range(width)]
    nodes = [START_NODE, *(node(n, "template", template=f"{n}:{{{{ inputs.text }}}}") for n in names)]
    nodes.append(node("result", "output", value=[f"{{{{ nodes.{n}.output }}}}" for n in names]))
    return workflow("fan out", nodes, edges(*(("start", n) for n in names), *((n, "result") for n in names)))


def waits(width: int, node_type: str) -> Workflow:
    """``width`` nodes that wait, beside each other."""
    names = [f"n{i}" for i in range(width)]
    nodes = [START_NODE, *(node(n, node_type) for n in names), node("result", "output", value="{{ inputs.text }}")]
    return workflow("waits", nodes, edges(*(("start", n) for n in names), *((n, "result") for n in names)))


def effectful_chain(length: int) -> Workflow:
    """``length`` nodes in a row whose beginning has to be stored before they run: delays of no time."""
    nodes, pairs, before = [START_NODE], [], "start"
    for i in range(length):
        nodes.append(node(f"n{i}", "delay", seconds=0))
        pairs.append((before, f"n{i}"))
        before = f"n{i}"
    nodes.append(node("result", "output", value="{{ inputs.text }}"))
    return workflow("effectful chain", nodes, edges(*pairs, (before, "result")))


def loop(passes: int) -> Workflow:
    """A loop of so many passes with one template in it."""
    body = node("body", "template", template="{{ index }}:{{ inputs.text }}") | {"parent_id": "each"}
    each = node("each", "loop", mode="repeat", times=passes, max_iterations=passes)
    result = node("result", "output", value="{{ nodes.each.output }}")
    return workflow("loop", [START_NODE, each, body, result], edges(("start", "each"), ("each", "result")))


def loop_result(passes: int) -> list[str]:
    return [f"{i}:{TEXT}" for i in range(passes)]


def agents(width: int) -> Workflow:
    """``width`` agents beside each other, and their answers."""
    names = [f"n{i}" for i in range(width)]
    nodes = [START_NODE, *(node(n, "agent", model="mock/m", user_prompt="{{ inputs.text }}") for n in names)]
    nodes.append(node("result", "output", value=[f"{{{{ nodes.{n}.output }}}}" for n in names]))
    return workflow("agents", nodes, edges(*(("start", n) for n in names), *((n, "result") for n in names)))


def questions() -> Workflow:
    """A node that waits for a person."""
    return workflow("question", [START_NODE, node("ask", "approval", message="Well?")], edges(("start", "ask")))


def five_nodes() -> Workflow:
    """Input → template → condition → template → output."""
    return workflow(
        "five nodes",
        [
            START_NODE,
            node("hello", "template", template="Hello {{ inputs.text }}"),
            node("long", "condition", field="{{ nodes.hello.output }}", operator="contains", value="Hello"),
            node("bye", "template", template="{{ nodes.hello.output }}, goodbye"),
            node("result", "output", value="{{ nodes.bye.output }}"),
        ],
        edges(("start", "hello"), ("hello", "long"), ("long", "bye", "true"), ("bye", "result")),
    )


FIVE_RESULT = f"Hello {TEXT}, goodbye"


class OneText(TypedDict):
    text: str


class ManyTexts(TypedDict):
    text: str
    texts: Annotated[list[str], operator.add]


def langgraph_chain(length: int, checkpointer: Any = None) -> Any:
    graph = StateGraph(OneText)

    def step(i: int) -> Any:
        async def run(state: OneText) -> OneText:
            return {"text": f"{i}:{state['text']}"}

        return run

    for i in range(length):
        graph.add_node(f"n{i}", step(i))
        graph.add_edge(START if i == 0 else f"n{i - 1}", f"n{i}")
    graph.add_edge(f"n{length - 1}", END)
    return graph.compile(checkpointer=checkpointer)


def langgraph_fan(width: int, work: Any, checkpointer: Any = None) -> Any:
    """One → ``width`` → one, each in the middle doing ``await work(i, text)``."""
    graph = StateGraph(ManyTexts)

    def step(i: int) -> Any:
        async def run(state: ManyTexts) -> dict[str, list[str]]:
            return {"texts": [await work(i, state["text"])]}

        return run

    async def gather(state: ManyTexts) -> dict[str, Any]:
        return {"text": str(len(state["texts"]))}

    graph.add_node("gather", gather)
    for i in range(width):
        graph.add_node(f"n{i}", step(i))
        graph.add_edge(START, f"n{i}")
        graph.add_edge(f"n{i}", "gather")
    graph.add_edge("gather", END)
    return graph.compile(checkpointer=checkpointer)


def langgraph_five(checkpointer: Any = None) -> Any:
    graph = StateGraph(OneText)

    async def start(state: OneText) -> OneText:
        return {"text": state["text"]}

    async def hello(state: OneText) -> OneText:
        return {"text": f"Hello {state['text']}"}

    async def long(state: OneText) -> OneText:
        return {"text": state["text"]}

    async def bye(state: OneText) -> OneText:
        return {"text": f"{state['text']}, goodbye"}

    async def result(state: OneText) -> OneText:
        return {"text": state["text"]}

    for step in (start, hello, long, bye, result):
        graph.add_node(step.__name__, step)
    graph.add_edge(START, "start")
    graph.add_edge("start", "hello")
    graph.add_edge("hello", "long")
    graph.add_conditional_edges("long", lambda state: "bye" if "Hello" in state["text"] else END, ["bye", END])
    graph.add_edge("bye", "result")
    graph.add_edge("result", END)
    return graph.compile(checkpointer=checkpointer)


def langgraph_loop(passes: int) -> Any:
    graph = StateGraph(ManyTexts)

    async def step(state: ManyTexts) -> dict[str, list[str]]:
        return {"texts": [f"{len(state['texts'])}:{state['text']}"]}

    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: "step" if len(state["texts"]) < passes else END, ["step", END])
    return graph.compile()
