"""The ring of steps against a plain list, over many turns of the ring."""

from hypothesis import given
from hypothesis import strategies as st

from actors.orderflow.windows import Windows

STEPS, INTERVAL_NS = 5, 1_000

deeds = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.none() | st.integers(1, 9)),
        st.tuples(st.just("skip"), st.integers(0, 12)),
        st.tuples(st.just("add"), st.integers(0, 14)),
    ),
    max_size=60,
)


@given(deeds)
def test_sums_are_those_of_the_last_steps_whatever_came_before(made):
    ring = Windows(STEPS, 2, INTERVAL_NS, end_ns=0)
    rows: list[list[float]] = []
    for deed, value in made:
        if deed == "append":
            rows.append([float(value or 0), 1.0] if value else [0.0, 0.0])
            ring.append(rows[-1] if value else None)
        elif deed == "skip":
            ring.skip_to(ring.end_ns + value * INTERVAL_NS)
            rows += [[0.0, 0.0] for _ in range(value)]
        else:  # a late event, `value` steps ago
            is_kept = ring.add(ring.end_ns - value * INTERVAL_NS - 1, 0, 7.0)
            assert is_kept == (value < min(len(rows), STEPS))
            if is_kept:
                rows[-1 - value][0] += 7.0
        for steps in (1, 3, STEPS):
            kept = rows[-steps:]
            assert ring.sums(steps) == [sum(row[0] for row in kept), sum(row[1] for row in kept)]
    assert ring.end_ns == len(rows) * INTERVAL_NS
    again = Windows(STEPS, 2, INTERVAL_NS)
    again.restore(ring.state())
    assert again.sums(STEPS) == ring.sums(STEPS)
    assert again.start_ns == ring.start_ns
