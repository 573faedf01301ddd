"""Charts for people who would rather look than read: the same in a notebook, CLI and web page.

Each function takes results and returns an Altair chart; a notebook shows it, `style.svg` and
`style.png` make files of it.
"""
