-- What Google says of a website's sitemaps and of chosen pages, on each day on which it was asked.

CREATE TABLE seo_sitemaps (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    date DATE NOT NULL,
    type VARCHAR,
    is_index BOOLEAN,
    is_pending BOOLEAN,
    errors BIGINT,
    warnings BIGINT,
    submitted_urls BIGINT,
    last_submitted TIMESTAMPTZ,
    last_downloaded TIMESTAMPTZ,
    unread_days INTEGER -- NULL: neither a download nor the submission is known
);

CREATE TABLE seo_urls (
    org_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    account_id VARCHAR NOT NULL,
    page_url VARCHAR NOT NULL,
    date DATE NOT NULL,
    verdict VARCHAR,
    coverage_state VARCHAR,
    indexing_state VARCHAR,
    robots_state VARCHAR,
    fetch_state VARCHAR,
    last_crawl TIMESTAMPTZ,
    google_canonical VARCHAR,
    user_canonical VARCHAR,
    crawled_as VARCHAR,
    is_indexed BOOLEAN, -- NULL: Google does not say
    is_canonical_kept BOOLEAN -- NULL: Google chose none
);
