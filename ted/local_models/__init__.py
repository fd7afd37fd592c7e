"""Small models of language that run in this process: what there is, fetching it, serving it, chatting with it."""
