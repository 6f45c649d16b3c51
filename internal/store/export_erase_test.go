package store

// Holdings says of every table what an erasure does to it.
func Holdings() (gone, cut, untouched []string) { return belongings, elsewhere, impersonal }
