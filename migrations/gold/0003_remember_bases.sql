-- What the tables of each organisation were made from, apart from the days of silver: while it is the
-- same and no day has changed, they are carried over as they are.
ALTER TABLE generation ADD COLUMN bases MAP(VARCHAR, VARCHAR);

-- What the formulas were compiled from and by: while it is the same, nothing is compiled again.
ALTER TABLE generation ADD COLUMN formulas VARCHAR;
