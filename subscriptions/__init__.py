"""Live feeds: every committed event reaches whoever may see it, once and in order, from one reader a process."""
