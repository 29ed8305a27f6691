"""A recording played by a local server the way its venue would serve it: subscriptions, images, REST, cuts.

A `Dialect` knows how a venue speaks, a `Script` what is played and what must come of it, `PlayedVenue` is the server,
`Running` the processes of the system in front of it, `Heard` what their collector has published; `check` plays a
recording and says what is wrong.
"""
