from «name» import chunked, slugify, truncate

titles = ["Crème brûlée", "A very long title that fits nowhere", "Plain"]
for pair in chunked(titles, 2):
    print([(slugify(title), truncate(title, 16)) for title in pair])
