"""Each of the patterns that ``docs/patterns.md`` calls supported: its workflow file shows its defining behaviour."""

import itertools

import pytest

from awe_app.domain.pages import PageQuery
from tests.patterns.observed import observe, workflow
from tests.services.conftest import House
from tests.services.test_waiting import reach


async def test_wcp_01_one_after_another() -> None:
    seen = await observe("wcp_01_sequence")
    assert seen.finished() == ["a", "b", "c"]
    assert seen.state.result == {"c": "abc"}


async def test_wcp_02_both_branches_run_at_the_same_time() -> None:
    seen = await observe("wcp_02_parallel_split")
    assert seen.together("b", "c")
    assert seen.before("a", "b")
    assert seen.before("a", "c")


async def test_wcp_03_what_follows_waits_for_both_and_runs_once() -> None:
    seen = await observe("wcp_03_synchronization")
    assert seen.together("quick", "slow")
    assert seen.before("quick", "join")
    assert seen.before("slow", "join")
    assert seen.finished().count("join") == 1


@pytest.mark.parametrize(("n", "taken", "other"), [(3, "few", "many"), (30, "many", "few")])
async def test_wcp_04_exactly_one_branch_is_taken(n: int, taken: str, other: str) -> None:
    seen = await observe("wcp_04_exclusive_choice", {"n": n})
    assert (seen.status(taken), seen.status(other)) == ("completed", "skipped")


@pytest.mark.parametrize(("n", "result"), [(3, "few after"), (30, "many after")])
async def test_wcp_05_whichever_branch_was_taken_leads_on(n: int, result: str) -> None:
    seen = await observe("wcp_05_simple_merge", {"n": n})
    assert seen.state.result == {"after": result}
    assert seen.finished().count("after") == 1


TEXTS = [
    ("now!", {"call", "soothe"}),
    ("money", {"pay"}),
    ("money now!", {"call", "soothe", "pay"}),
    ("hello", {"file"}),
]


@pytest.mark.parametrize(("text", "taken"), TEXTS)
async def test_wcp_06_every_branch_that_holds_is_taken(text: str, taken: set[str]) -> None:
    seen = await observe("wcp_06_multi_choice", {"text": text})
    branches = {"call", "soothe", "pay", "file"}
    assert {name for name in branches if seen.status(name) == "completed"} == taken
    assert {name for name in branches if seen.status(name) == "skipped"} == branches - taken


@pytest.mark.parametrize(("text", "taken"), TEXTS)
async def test_wcp_07_what_follows_waits_for_the_branches_taken(text: str, taken: set[str]) -> None:
    seen = await observe("wcp_07_structured_synchronizing_merge", {"text": text})
    assert seen.finished().count("after") == 1
    assert all(seen.before(name, "after") for name in taken)
    assert seen.state.result["after"].keys() == taken


async def test_wcp_08_what_follows_is_done_once_for_each_arrival_and_at_once() -> None:
    seen = await observe("wcp_08_multi_merge")
    assert seen.state.result == {"each": ["quick done", " done"]}
    assert seen.span("each[0]/done")[1] < seen.span("slow")[1] < seen.span("each[1]/note")[0]


async def test_wcp_09_the_first_leads_on_the_rest_is_ignored_and_the_next_round_starts_afresh() -> None:
    seen = await observe("wcp_09_structured_discriminator")
    for number in (0, 1):
        at = f"rounds[{number}]"
        assert seen.span(f"{at}/after")[1] < seen.span(f"{at}/slow")[1]
        assert seen.status(f"{at}/slow") == "completed"
        assert seen.finished().count(f"{at}/after") == 1
    assert seen.before("rounds[0]/slow", "rounds[1]/quick")
    assert seen.state.result == {"rounds": ["quick 0 after", "quick 1 after"]}


async def test_wcp_11_it_is_over_when_nothing_is_left_to_do() -> None:
    seen = await observe("wcp_11_implicit_termination")
    assert seen.state.status == "completed"
    assert seen.finished() == ["a", "b", "c", "d"]


async def test_wcp_12_instances_run_on_their_own_and_nothing_waits_for_them() -> None:
    seen = await observe("wcp_12_multiple_instances_without_synchronization", {"orders": [1, 2, 3]})
    packs = [f"each[{number}]/pack" for number in range(3)]
    assert seen.together(*packs)
    assert all(seen.span("after")[1] < seen.span(pack)[1] for pack in packs)
    assert all(seen.status(pack) == "completed" for pack in packs)


async def test_wcp_13_three_instances_and_then_what_follows() -> None:
    seen = await observe("wcp_13_multiple_instances_design_time")
    assert seen.together(*(f"each[{number}]/read" for number in range(3)))
    assert all(seen.before(f"each[{number}]/review", "after") for number in range(3))
    assert seen.state.result == {"after": "3 reviews"}


@pytest.mark.parametrize("count", [0, 1, 4])
async def test_wcp_14_as_many_instances_as_were_found(count: int) -> None:
    seen = await observe("wcp_14_multiple_instances_run_time", {"found": list(range(count))})
    works = [path for path in seen.finished() if path.endswith("/work")]
    assert len(works) == count
    assert not works or seen.together(*works)
    assert all(seen.before(work, "after") for work in works)
    assert seen.state.result == {"after": str(count)}


async def test_wcp_15_instances_are_added_while_others_run() -> None:
    seen = await observe("wcp_15_multiple_instances_without_run_time_knowledge")
    reads = [path for path in seen.finished() if path.endswith("/read")]
    assert reads == [f"each[{number}]/read" for number in range(4)]
    assert all(seen.before(read, "after") for read in reads)
    assert seen.state.result == {"after": "4 pages"}


@pytest.mark.parametrize(("event", "taken"), [("accept", "ship"), ("decline", "close")])
async def test_wcp_16_what_comes_first_decides(event: str, taken: str) -> None:
    waiting = await observe("wcp_16_deferred_choice")
    assert waiting.state.status == "waiting"
    seen = await observe("wcp_16_deferred_choice", sent=[(event, None)])
    branches = {"ship", "close", "remind"}
    assert {name for name in branches if seen.status(name) == "completed"} == {taken}
    assert {name for name in branches if seen.status(name) == "skipped"} == branches - {taken}
    assert seen.state.status == "completed"


async def test_wcp_17_in_a_partial_order_and_never_two_at_once() -> None:
    seen = await observe("wcp_17_interleaved_parallel_routing")
    spans = sorted(seen.span(name) for name in "abc")
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))
    assert seen.before("a", "b")


MILESTONE = [
    ([("change", 1), ("submit", 0), ("change", 2), ("pack", 0)], "completed", "2"),
    ([("submit", 0), ("pack", 0)], "skipped", None),
]


@pytest.mark.parametrize(("sent", "status", "applied"), MILESTONE)
async def test_wcp_18_possible_between_the_milestone_and_its_end_only(
    sent: list[tuple[str, int]], status: str, applied: str | None
) -> None:
    seen = await observe("wcp_18_milestone", sent=sent)
    assert seen.state.status == "completed"
    assert seen.status("apply") == status
    assert seen.state.result.get("apply") == applied
    assert seen.status("pack") == "completed"


async def test_wcp_19_one_activity_is_withdrawn_and_its_neighbour_is_not() -> None:
    seen = await observe("wcp_19_cancel_activity", sent=[("withdraw", None)])
    assert seen.state.status == "completed"
    assert seen.status("long") == "cancelled"
    assert [seen.status(name) for name in ("beside", "stop", "after")] == ["completed"] * 3


async def test_wcp_20_everything_is_stopped(house: House) -> None:
    stored = await house.workflows.create(house.user, workflow("wcp_20_cancel_case"))
    execution_id = (await house.executions.start(house.user, stored.id, {})).execution_id
    await reach(house, execution_id, "waiting")
    state = await house.executions.cancel(house.user, execution_id)
    assert state.status == "cancelled"
    stopped = {"long", "ask", "each", "each[0]/inner", "each[1]/inner"}
    assert {path for path, node in state.node_states.items() if node.status == "cancelled"} == stopped


async def test_wcp_21_tests_before_and_after_the_pass_and_loops_in_loops() -> None:
    seen = await observe("wcp_21_structured_loop")
    assert len([path for path in seen.finished() if path.endswith("/add")]) == 3
    assert len([path for path in seen.finished() if path.endswith("/ten")]) == 6
    assert [path for path in seen.finished() if path.endswith("/once")] == ["after[0]/once"]
    assert seen.state.variables["n"] == 3


async def test_wcp_22_a_workflow_runs_itself_down_to_the_last(house: House) -> None:
    stored = await house.workflows.create(house.user, workflow("wcp_22_recursion"))
    begun = await house.executions.start(house.user, stored.id, {"n": 4, "itself": stored.id})
    ended = await reach(house, begun.execution_id, "completed")
    assert ended.result == {"sum": 4 + 3 + 2 + 1}
    page = await house.executions.list(house.user, PageQuery(), stored.id)
    assert len([row for row in page.items if row.status == "completed"]) == 4


async def test_wcp_23_a_trigger_counts_only_while_somebody_waits() -> None:
    early = await observe("wcp_23_transient_trigger", sent=[("bell", "early"), ("done", None)])
    assert (early.state.status, early.status("listen")) == ("waiting", "waiting")
    seen = await observe("wcp_23_transient_trigger", sent=[("bell", "early"), ("done", None), ("bell", "in time")])
    assert seen.state.result == {"open": "in time"}


async def test_wcp_24_an_early_trigger_is_kept() -> None:
    seen = await observe("wcp_24_persistent_trigger", sent=[("letter", "dear Ann"), ("done", None)])
    assert seen.state.result == {"read": "dear Ann"}
    assert seen.before("work", "letter")


async def test_wcp_25_a_region_is_withdrawn_and_the_rest_goes_on() -> None:
    seen = await observe("wcp_25_cancel_region", sent=[("withdraw", None)])
    assert seen.state.status == "completed"
    assert [seen.status(name) for name in ("a", "b", "region")] == ["cancelled"] * 3
    assert [seen.status(name) for name in ("c", "outside", "after")] == ["completed"] * 3


async def test_wcp_26_every_instance_is_withdrawn() -> None:
    seen = await observe("wcp_26_cancel_multiple_instances", sent=[("withdraw", None)])
    assert seen.state.status == "completed"
    assert [seen.status(name) for name in ("each", "each[1]/long", "each[2]/long")] == ["cancelled"] * 3
    assert seen.status("each[0]/ready") == "completed"
    assert seen.finished()[-1] == "after"


async def test_wcp_27_finished_instances_count_and_the_others_are_withdrawn() -> None:
    seen = await observe("wcp_27_complete_multiple_instances", sent=[("complete", None)])
    assert seen.state.result == {"after": "1,3"}
    assert seen.status("each") == "completed"
    assert seen.status("each[1]/long") == "cancelled"


async def test_wcp_28_the_next_round_waits_for_every_branch_of_this_one() -> None:
    seen = await observe("wcp_28_blocking_discriminator", at_once=[("round", "two")])
    assert seen.state.result == {"rounds": ["one after", "two after"]}
    assert seen.span("rounds[0]/after")[1] < seen.span("rounds[0]/slow")[1] < seen.span("rounds[1]/quick")[0]


async def test_wcp_29_the_first_leads_on_and_the_rest_is_stopped() -> None:
    seen = await observe("wcp_29_cancelling_discriminator")
    assert seen.state.status == "completed"
    assert seen.state.result == {"after": "after"}
    assert (seen.status("slow"), seen.status("never")) == ("cancelled", "cancelled")


async def test_wcp_30_two_of_three_lead_on_and_the_third_runs_out() -> None:
    seen = await observe("wcp_30_structured_partial_join")
    assert seen.span("after")[1] < seen.span("slow")[1]
    assert seen.status("slow") == "completed"
    assert seen.state.node_states["two"].output == {"a": "a", "b": "b"}  # type: ignore[index]
    assert seen.finished().count("after") == 1


async def test_wcp_31_the_next_round_waits_for_all_three() -> None:
    seen = await observe("wcp_31_blocking_partial_join", at_once=[("round", "two")])
    assert seen.state.result == {"rounds": ["one after", "two after"]}
    assert seen.span("rounds[0]/after")[1] < seen.span("rounds[0]/slow")[1] < seen.span("rounds[1]/a")[0]


async def test_wcp_32_two_of_three_lead_on_and_the_third_is_stopped() -> None:
    seen = await observe("wcp_32_cancelling_partial_join")
    assert seen.state.status == "completed"
    assert seen.finished() == ["a", "b", "two", "after"]
    assert (seen.status("slow"), seen.status("never")) == ("cancelled", "cancelled")


async def test_wcp_33_what_comes_too_often_on_one_side_is_kept_for_the_next() -> None:
    sent = [("order", "o1"), ("order", "o2"), ("payment", "p1"), ("payment", "p2")]
    half = await observe("wcp_33_generalized_and_join", sent=sent[:3])
    assert [path for path in half.finished() if path.endswith("/ship")] == ["shipments[0]/ship"]
    seen = await observe("wcp_33_generalized_and_join", sent=sent)
    assert seen.state.result == {"shipments": ["o1+p1", "o2+p2"]}


async def test_wcp_34_two_of_three_lead_on_and_the_third_runs_out() -> None:
    seen = await observe("wcp_34_static_partial_join_multiple_instances")
    assert seen.state.result == {"after": "0,0.01"}
    assert seen.span("after")[1] < seen.span("each[0]/work")[1]
    assert seen.status("each[0]/done") == "completed"
    assert seen.finished().count("after") == 1


async def test_wcp_35_two_of_three_lead_on_and_the_third_is_stopped() -> None:
    seen = await observe("wcp_35_cancelling_partial_join_multiple_instances")
    assert (seen.state.status, seen.state.result) == ("completed", {"after": "0,0.01"})
    assert seen.status("each[0]/work") == "cancelled"


async def test_wcp_36_each_result_decides_whether_it_is_enough() -> None:
    seen = await observe("wcp_36_dynamic_partial_join_multiple_instances")
    assert seen.state.result == {"after": "2 tries"}
    assert [path for path in seen.finished() if path.endswith("/work")] == ["each[0]/work", "each[1]/work"]


@pytest.mark.parametrize(("n", "came"), [(0, {"one"}), (1, {"a", "e"}), (2, {"a", "c", "e"})])
async def test_wcp_37_the_join_knows_how_many_values_come(n: int, came: set[str]) -> None:
    seen = await observe("wcp_37_local_synchronizing_merge", {"n": n})
    joined = seen.state.result["join"].keys()
    assert joined == came
    assert all(seen.before(name, "join") for name in joined)


async def test_wcp_38_whatever_comes_before_it_the_join_waits_for_what_can_still_come() -> None:
    seen = await observe("wcp_38_general_synchronizing_merge", {"n": 1})
    assert seen.state.result["join"].keys() == {"each", "mend", "race_done", "race_b"}
    assert seen.finished().count("join") == 1
    assert all(seen.before(name, "join") for name in ("each", "mend", "race_done", "race_b"))


async def test_wcp_39_while_one_section_is_at_work_nothing_of_the_other_is() -> None:
    seen = await observe("wcp_39_critical_section")
    left = [seen.span(f"left[0]/{name}") for name in ("l1", "l2")]
    right = [seen.span(f"right[0]/{name}") for name in ("r1", "r2")]
    assert left[-1][1] < right[0][0]
    assert seen.together("left[0]/l1", "after")


async def test_wcp_40_in_any_order_one_at_a_time_each_once() -> None:
    seen = await observe("wcp_40_interleaved_routing")
    spans = sorted(seen.span(name) for name in "abc")
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))
    assert all(seen.before(name, "end") for name in "abc")


async def test_wcp_41_four_threads_become_one() -> None:
    seen = await observe("wcp_41_thread_merge")
    assert seen.together(*(f"threads[{number}]/work" for number in range(4)))
    assert seen.finished().count("after") == 1
    assert seen.state.result == {"after": "0,1,2,3"}


async def test_wcp_42_one_thread_becomes_three() -> None:
    seen = await observe("wcp_42_thread_split")
    assert seen.together(*(f"threads[{number}]/first" for number in range(3)))
    assert len([path for path in seen.finished() if path.endswith("/second")]) == 3


async def test_wcp_43_reaching_the_end_stops_everything() -> None:
    seen = await observe("wcp_43_explicit_termination")
    assert (seen.state.status, seen.state.result) == ("completed", "stopped early")
    assert seen.status("slow") == "cancelled"
    assert seen.status("last") == "absent"
