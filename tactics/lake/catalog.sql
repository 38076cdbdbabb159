-- The layout is that of pyiceberg's SqlCatalog (pyiceberg 0.12), which can open the same file.

-- name: create_tables
-- Which metadata file is the current one of each table, ...
CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);

-- name: create_namespaces
-- ... and which namespaces there are.
CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
);

-- name: select_entries
-- All tables.
SELECT table_namespace, table_name, metadata_location FROM iceberg_tables
WHERE metadata_location IS NOT NULL ORDER BY table_namespace, table_name;

-- name: select_location
-- The current metadata file of a table.
SELECT metadata_location FROM iceberg_tables
WHERE catalog_name = 'tactics' AND table_namespace = :namespace AND table_name = :name;

-- name: insert_namespace
-- A namespace, as pyiceberg notes one that has no properties.
INSERT OR IGNORE INTO iceberg_namespace_properties VALUES ('tactics', :namespace, 'exists', 'true');

-- name: insert_table
-- A new table. Without a type it is one for every reader, also where the column is not known.
INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location)
VALUES ('tactics', :namespace, :name, :new);

-- name: commit_table
-- The commit: only if nobody else committed since `old` was read.
UPDATE iceberg_tables SET metadata_location = :new, previous_metadata_location = :old
WHERE catalog_name = 'tactics' AND table_namespace = :namespace AND table_name = :name
    AND metadata_location = :old;

-- name: relocate_table
-- The same table in another folder; the file before is in the old one.
UPDATE iceberg_tables SET metadata_location = :new, previous_metadata_location = NULL
WHERE table_namespace = :namespace AND table_name = :name AND metadata_location = :old;
