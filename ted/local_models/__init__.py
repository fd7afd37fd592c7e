"""Small models of language in this process: what there is, fetching it, serving it, chatting with it."""
