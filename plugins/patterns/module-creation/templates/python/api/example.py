from «name» import Store, handle

store = Store()
handle(store, "POST", "/items", b'{"name": "pen"}')
print(handle(store, "GET", "/items").body)
