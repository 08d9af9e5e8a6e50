from «name» import summarize

monday = summarize([12.5, 13.1, 12.9])
tuesday = summarize([11.8, 14.2])
week = monday.merge(tuesday)
print(f"{week.count} values, mean {week.mean:.2f}, deviation {week.deviation:.2f}")
