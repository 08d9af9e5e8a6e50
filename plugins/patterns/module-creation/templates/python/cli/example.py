from «name» import count, render

texts = {"poem": "so much depends\nupon\n", "note": "call back"}
print(render([(name, count(text)) for name, text in texts.items()]))
